// SPDX-License-Identifier: AGPL-3.0-only
// gauge_force_kick: P_mu(x) -= c TA[U_mu(x) A_mu(x)], c = step * beta / 6; meaning: engine/reference.
// Blocks first ... first + n. Global size: n (times 4 when FORGE_LINKS_PER_ITEM is 1), padded. Per site 10752 flop
// (2688 a link), 19 links read a link, 9 reals read and written.

// P -= c TA[f] for one link; f = U A. Also used by the double-float force: the projection is always fp64.
INLINE void kick_momentum(const mat* f, __global V* restrict momenta, int b, int mu, int nb, double c) {
    const V third = (f->e[1] + f->e[9] + f->e[17]) * (1.0 / 3.0);
    V g[9];
    g[0] = f->e[1] - third;
    g[1] = f->e[9] - third;
    g[2] = f->e[17] - third;
    g[3] = 0.5 * (f->e[2] - f->e[6]);
    g[4] = 0.5 * (f->e[3] + f->e[7]);
    g[5] = 0.5 * (f->e[4] - f->e[12]);
    g[6] = 0.5 * (f->e[5] + f->e[13]);
    g[7] = 0.5 * (f->e[10] - f->e[14]);
    g[8] = 0.5 * (f->e[11] + f->e[15]);
    UNROLL for (int k = 0; k < 9; ++k) {
        const size_t at = OFFSET(b, mu, k, 9, nb);
        momenta[at] = fma((V)(-c), g[k], momenta[at]);
    }
}

// Adds the two staples of the (mu, nu) plane; n1 = x+nu, n2 = x-nu, q = x+mu-nu as block << 3 | mask.
INLINE void add_staples(mat* sum, const __global V* restrict links, int b, int x_mu, int n1, int n2, int q, int mu,
                        int nu, int nb) {
    mat u, v, w, t;
    load_link(&u, links, x_mu, nu, nb);
    load_link(&v, links, n1, mu, nb);
    mul_nd(&t, &u, &v);
    load_link(&w, links, b << 3, nu, nb);
    mul_nd_add(sum, &t, &w);
    load_link(&u, links, n2, mu, nb);
    load_link(&v, links, q, nu, nb);
    mul_nn(&t, &u, &v);
    load_link(&w, links, n2, nu, nb);
    mul_dn_add(sum, &t, &w);
}

INLINE void kick_link(int b, int mu, const __global V* restrict links, __global V* restrict momenta,
                      const __global int* restrict neighbours, int nb, double c) {
    mat sum;
    UNROLL for (int k = 0; k < 18; ++k) sum.e[k] = (V)(0.0);
    const int x_mu = NEIGHBOUR(b, mu);
    UNROLL for (int r = 0; r < 3; ++r) {
        const int nu = r + (r >= mu ? 1 : 0);
        const int q = NEIGHBOUR_BACK(x_mu >> 3, nu) ^ (x_mu & 7);
        add_staples(&sum, links, b, x_mu, NEIGHBOUR(b, nu), NEIGHBOUR_BACK(b, nu), q, mu, nu, nb);
    }
    mat u, f;
    load_link(&u, links, b << 3, mu, nb);
    mul_nn(&f, &u, &sum);
    kick_momentum(&f, momenta, b, mu, nb, c);
}

__kernel void gauge_force_kick(const __global V* restrict links, __global V* restrict momenta,
                               const __global int* restrict neighbours, int nb, int first, int n, double c) {
#if FORGE_LINKS_PER_ITEM == 1
    const int item = (int)get_global_id(0);
    if (item < 4 * n)
        kick_link(first + item % n, item / n, links, momenta, neighbours, nb, c);
#else
    const int b = first + (int)get_global_id(0);
    if (b < first + n) {
#if FORGE_B == 1 && FORGE_W == 8 && defined(__AVX512F__)
        // The t-neighbours of the next block come from far away: ask for them now.
        if (b + 1 < nb) {
            const __global char* up = (const __global char*)&links[OFFSET(NEIGHBOUR(b + 1, 3) >> 3, 0, 0, 18, nb)];
            const __global char* down = (const __global char*)&links[OFFSET(NEIGHBOUR_BACK(b + 1, 3) >> 3, 0, 0, 18, nb)];
            UNROLL for (int k = 0; k < 72; ++k) {
                __asm__ volatile("prefetcht1 %0" ::"m"(up[64 * k]));
                __asm__ volatile("prefetcht1 %0" ::"m"(down[64 * k]));
            }
        }
#endif
        NO_UNROLL for (int mu = 0; mu < 4; ++mu) kick_link(b, mu, links, momenta, neighbours, nb, c);
    }
#endif
}
