// SPDX-License-Identifier: AGPL-3.0-only
// The bulk operations in double-float arithmetic (strategy hybrid): staples, plaquette products, kinetic energy. What
// decides (projection to the algebra, momentum, exponential, random numbers, sums over sites, dH) stays in fp64.
// links_split prepares the float halves. Twins of gauge_force.cl, observables.cl, momenta.cl; blocks first ... first + n.

__kernel void links_split(const __global V* restrict links, __global F* restrict split, int nb) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    for (int mu = 0; mu < 4; ++mu)
        for (int k = 0; k < 18; ++k) {
            const size_t at = OFFSET(b, mu, k, 18, nb);
            const df64 s = df64_split(links[at]);
            split[2 * at] = s.hi;
            split[2 * at + 1] = s.lo;
        }
}

INLINE void df64_add_staples(df64_mat* sum, const __global F* restrict split, int b, int x_mu, int n1, int n2, int q,
                             int mu, int nu, int nb) {
    df64_mat u, v, t;
    df64_load_link(&u, split, x_mu, nu, nb);
    df64_load_link(&v, split, n1, mu, nb);
    df64_mul_nd(&t, &u, &v);
    df64_load_link(&u, split, b << 3, nu, nb);
    df64_mul_nd_add(sum, &t, &u);
    df64_load_link(&u, split, n2, mu, nb);
    df64_load_link(&v, split, q, nu, nb);
    df64_mul_nn(&t, &u, &v);
    df64_load_link(&u, split, n2, nu, nb);
    df64_mul_dn_add(sum, &t, &u);
}

__kernel void gauge_force_kick_df64(const __global F* restrict split, __global V* restrict momenta,
                                    const __global int* restrict neighbours, int nb, int first, int n, double c) {
    const int item = (int)get_global_id(0);
    if (item >= n)
        return;
    const int b = first + item;
    NO_UNROLL for (int mu = 0; mu < 4; ++mu) {
        df64_mat sum, u, f;
        UNROLL for (int k = 0; k < 18; ++k) sum.e[k].hi = sum.e[k].lo = (F)(0.0f);
        const int x_mu = NEIGHBOUR(b, mu);
        NO_UNROLL for (int r = 0; r < 3; ++r) {
            const int nu = r + (r >= mu ? 1 : 0);
            const int q = NEIGHBOUR_BACK(x_mu >> 3, nu) ^ (x_mu & 7);
            df64_add_staples(&sum, split, b, x_mu, NEIGHBOUR(b, nu), NEIGHBOUR_BACK(b, nu), q, mu, nu, nb);
        }
        df64_load_link(&u, split, b << 3, mu, nb);
        df64_mul_nn(&f, &u, &sum);
        V m[18], g[9], p[9];
        UNROLL for (int k = 0; k < 18; ++k) m[k] = df64_join(f.e[k]);
        UNROLL for (int i = 0; i < 3; ++i) g[i] = m[8 * i + 1];
        g[3] = m[2] - m[6];
        g[4] = m[3] + m[7];
        g[5] = m[4] - m[12];
        g[6] = m[5] + m[13];
        g[7] = m[10] - m[14];
        g[8] = m[11] + m[15];
        kick_momentum(p, g, momenta, b, mu, nb, c);
    }
}

__kernel void gauge_plaquette_df64(const __global F* restrict split, __global double* restrict partial, int stride,
                                   const __global int* restrict neighbours, const __global uint* restrict rank0, int nb,
                                   uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    V s = (V)(0.0), t = (V)(0.0);
    NO_UNROLL for (int mu = 0; mu < 3; ++mu) {
        NO_UNROLL for (int nu = mu + 1; nu < 4; ++nu) {
            df64_mat u, v, ahead, aside;
            df64_load_link(&u, split, b << 3, mu, nb);
            df64_load_link(&v, split, NEIGHBOUR(b, mu), nu, nb);
            df64_mul_nn(&ahead, &u, &v);
            df64_load_link(&u, split, b << 3, nu, nb);
            df64_load_link(&v, split, NEIGHBOUR(b, nu), mu, nb);
            df64_mul_nn(&aside, &u, &v);
            df64 p;
            p.hi = p.lo = (F)(0.0f);
            UNROLL for (int k = 0; k < 18; ++k) p = df64_accumulate(p, ahead.e[k], aside.e[k]);
            const V value = df64_join(p);
            if (nu == 3)
                t = t + value;
            else
                s = s + value;
        }
    }
    const U32 ranks = lane_ranks(rank0[b], lane_stride);
    scatter(partial, ranks, s);
    scatter(partial + stride, ranks, t);
}

__kernel void momenta_kinetic_df64(const __global V* restrict momenta, __global double* restrict partial,
                                   const __global uint* restrict rank0, int nb, uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    df64 diagonal, off;
    diagonal.hi = diagonal.lo = off.hi = off.lo = (F)(0.0f);
    for (int mu = 0; mu < 4; ++mu)
        UNROLL for (int k = 0; k < 9; ++k) {
            const df64 p = df64_split(momenta[OFFSET(b, mu, k, 9, nb)]);
            if (k < 3)
                diagonal = df64_accumulate(diagonal, p, p);
            else
                off = df64_accumulate(off, p, p);
        }
    scatter(partial, lane_ranks(rank0[b], lane_stride), fma((V)(2.0), df64_join(off), df64_join(diagonal)));
}

// Self-test: out[3i] = a + b, out[3i+1] = a b, out[3i+2] = accumulated (a b + b) in df64, for scalars a, b given in fp64.
__kernel void df64_self_test(const __global double* restrict in, __global double* restrict out, int n) {
    const int i = (int)get_global_id(0);
    if (i >= n)
        return;
    const df64 a = df64_split((V)(in[2 * i])), b = df64_split((V)(in[2 * i + 1]));
    const df64 acc = df64_accumulate(b, a, b);
    const V sum = df64_join(df64_add(a, b)), product = df64_join(df64_mul(a, b));
    const V chained = df64_join(df64_quick_two_sum(acc.hi, acc.lo));
#if FORGE_W == 1
    out[3 * i] = sum;
    out[3 * i + 1] = product;
    out[3 * i + 2] = chained;
#else
    out[3 * i] = sum.s0;
    out[3 * i + 1] = product.s0;
    out[3 * i + 2] = chained.s0;
#endif
}
