// SPDX-License-Identifier: AGPL-3.0-only
// gauge_plaquette: per site the sums of Re tr U_p over the 3 spatial and the 3 temporal planes (12 products a site).
// polyakov_trace: per spatial site tr prod_t U_t. links_fingerprint: state hash (lattice/state_hash.hpp).
// reduce_chunks: second stage of every sum. Partials are in canonical site order, so bits do not depend on W.

__kernel void gauge_plaquette(const __global V* restrict links, __global double* restrict partial, int stride,
                              const __global int* restrict neighbours,
                              const __global uint* restrict rank0, int nb, uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    V s = (V)(0.0), t = (V)(0.0);
    NO_UNROLL for (int mu = 0; mu < 3; ++mu) {
        mat here, u, ahead, aside;
        load_link(&here, links, b << 3, mu, nb);
        NO_UNROLL for (int nu = mu + 1; nu < 4; ++nu) {
            load_link(&u, links, NEIGHBOUR(b, mu), nu, nb);
            mul_nn(&ahead, &here, &u);
            mat v, w;
            load_link(&v, links, b << 3, nu, nb);
            load_link(&w, links, NEIGHBOUR(b, nu), mu, nb);
            mul_nn(&aside, &v, &w);
            const V p = re_trace_product_dagger(&ahead, &aside);
            if (nu == 3)
                t = t + p;
            else
                s = s + p;
        }
    }
    const U32 ranks = lane_ranks(rank0[b], lane_stride);
    scatter(partial, ranks, s);
    scatter(partial + stride, ranks, t);
}

__kernel void polyakov_trace(const __global V* restrict links, __global double* restrict partial, int stride,
                             const __global uint* restrict rank0, int nb, int nt,
                             uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    const int slice = nb / nt;
    if (b >= slice)
        return;
    mat loop, u, next;
    load_link(&loop, links, b << 3, 3, nb);
    NO_UNROLL for (int t = 1; t < nt; ++t) {
        load_link(&u, links, (b + t * slice) << 3, 3, nb);
        mul_nn(&next, &loop, &u);
        loop = next;
    }
    const U32 ranks = lane_ranks(rank0[b], lane_stride);
    scatter(partial, ranks, loop.e[0] + loop.e[8] + loop.e[16]);
    scatter(partial + stride, ranks, loop.e[1] + loop.e[9] + loop.e[17]);
}

__kernel void links_fingerprint(const __global V* restrict links, __global ulong* restrict sums,
                                const __global uint* restrict rank0, int nb, uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    const U64 first = TO_U64(lane_ranks(rank0[b], lane_stride)) * 72ul + 1ul;
    U64 sum_a = (U64)(0ul), sum_b = (U64)(0ul);
    for (int mu = 0; mu < 4; ++mu)
        for (int k = 0; k < 18; ++k) {
            const U64 index = first + (ulong)(18 * mu + k);
            const U64 word = AS_BITS(links[OFFSET(b, mu, k, 18, nb)]);
            U64 x = word + index * 0x9E3779B97F4A7C15ul;
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ul;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EBul;
            sum_a += x ^ (x >> 31);
            U64 y = word ^ (index * 0xD6E8FEB86659FD93ul);
            y = (y ^ (y >> 33)) * 0xFF51AFD7ED558CCDul;
            y = (y ^ (y >> 33)) * 0xC4CEB9FE1A85EC53ul;
            sum_b += y ^ (y >> 33);
        }
#if FORGE_W == 1
    sums[2 * b] = sum_a;
    sums[2 * b + 1] = sum_b;
#else
    ulong lane_a[FORGE_W], lane_b[FORGE_W];
    PASTE(vstore, FORGE_W)(sum_a, 0, lane_a);
    PASTE(vstore, FORGE_W)(sum_b, 0, lane_b);
    ulong a = 0, c = 0;
    for (int l = 0; l < FORGE_W; ++l) {
        a += lane_a[l];
        c += lane_b[l];
    }
    sums[2 * b] = a;
    sums[2 * b + 1] = c;
#endif
}

// out[q * n_chunks + i] = sum of chunk i (32 terms, left to right) of quantity q.
__kernel void reduce_chunks(const __global double* restrict terms, __global double* restrict out, int n, int stride,
                            int n_chunks, int n_quantities) {
    const int item = (int)get_global_id(0);
    if (item >= n_chunks * n_quantities)
        return;
    const int q = item / n_chunks, i = item % n_chunks;
    const __global double* from = terms + (size_t)q * (size_t)stride;
    const int end = min(n, 32 * (i + 1));
    double sum = 0.0;
    for (int k = 32 * i; k < end; ++k)
        sum = sum + from[k];
    out[item] = sum;
}
