// SPDX-License-Identifier: AGPL-3.0-only
// gauge_force_kick: P_mu(x) -= c TA[U_mu(x) A_mu(x)], c = step * beta / 6; meaning: engine/reference.
// Blocks first ... first + n. Global size: n (times 4 when FORGE_LINKS_PER_ITEM is 1), padded.
//
// The plaquette of a plane in front of x serves both of its links that start at x: TA[P] for the lower direction,
// TA[P^dag] = -TA[P] for the upper one. The plaquettes behind x come as staples, summed, closed with U once a link.
// Of a closing product only the anti-Hermitian part is formed. 9600 flop a site (10752 by the usual count, one staple
// at a time); 64 links read, 9 reals a link read and written. gauge_force_step also drifts: 2480 flop and 18 reals a link more.
//
// g[9], the force of a link before its trace is taken out: Im diagonal (3), then X01, X02, X12 as (re, im), each doubled.

// g = anti-Hermitian part of a op(b), the diagonal single, the rest doubled; BR_AT, BI_AT, SB as in su3.clh.
#define DEFINE_CLOSING(NAME, BR_AT, BI_AT, SB)                                                                         \
    INLINE void NAME(V* g, const mat* a, const mat* b) {                                                  \
        UNROLL for (int i = 0; i < 3; ++i) {                                                                           \
            V d = (V)(0.0);                                                                                            \
            UNROLL for (int k = 0; k < 3; ++k) {                                                                       \
                const int j = i;                                                                                       \
                const V ar = a->e[6 * i + 2 * k], ai = a->e[6 * i + 2 * k + 1];                                        \
                d = k == 0 ? ai * b->e[BR_AT] : fma(ai, b->e[BR_AT], d);                                               \
                d = fma(SB ar, b->e[BI_AT], d);                                                                        \
            }                                                                                                          \
            g[i] = d;                                                                                                  \
        }                                                                                                              \
        UNROLL for (int r = 0; r < 3; ++r) {                                                                           \
            const int row = r == 2 ? 1 : 0, column = r == 0 ? 1 : 2;                                                   \
            V re = (V)(0.0), im = (V)(0.0);                                                                            \
            UNROLL for (int k = 0; k < 3; ++k) {                                                                       \
                const V ur = a->e[6 * row + 2 * k], ui = a->e[6 * row + 2 * k + 1];                                    \
                const V lr = a->e[6 * column + 2 * k], li = a->e[6 * column + 2 * k + 1];                              \
                {                                                                                                      \
                    const int j = column;                                                                              \
                    re = k == 0 ? ur * b->e[BR_AT] : fma(ur, b->e[BR_AT], re);                                         \
                    im = k == 0 ? ui * b->e[BR_AT] : fma(ui, b->e[BR_AT], im);                                         \
                    re = fma(SB - ui, b->e[BI_AT], re);                                                                \
                    im = fma(SB ur, b->e[BI_AT], im);                                                                  \
                }                                                                                                      \
                {                                                                                                      \
                    const int j = row;                                                                                 \
                    re = fma(-lr, b->e[BR_AT], re);                                                                    \
                    im = fma(li, b->e[BR_AT], im);                                                                     \
                    re = fma(SB li, b->e[BI_AT], re);                                                                  \
                    im = fma(SB lr, b->e[BI_AT], im);                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            g[3 + 2 * r] = re;                                                                                         \
            g[4 + 2 * r] = im;                                                                                         \
        }                                                                                                              \
    }
DEFINE_CLOSING(close_nn, 6 * k + 2 * j, 6 * k + 2 * j + 1, +)  // of a b
DEFINE_CLOSING(close_nd, 6 * j + 2 * k, 6 * j + 2 * k + 1, -)  // of a b^dag
#undef DEFINE_CLOSING

// P -= c TA from g; `p` are the nine reals of the new momentum. Also the end of the double-float force: fp64 always.
INLINE void kick_momentum(V* p, const V* g, __global V* restrict momenta, int b, int mu, int nb, double c) {
    const V third = (g[0] + g[1] + g[2]) * (1.0 / 3.0);
    UNROLL for (int k = 0; k < 9; ++k) {
        const size_t at = OFFSET(b, mu, k, 9, nb);
        p[k] = k < 3 ? fma((V)(-c), g[k] - third, momenta[at]) : fma((V)(-0.5 * c), g[k], momenta[at]);
        momenta[at] = p[k];
    }
}

// U_mu(x) U_nu(x+mu) and U_nu(x) U_mu(x+nu): the two ways across the plane in front of x.
INLINE void cross_plane(mat* low_first, mat* high_first, const __global V* restrict links, int b, int x_mu, int x_nu,
                        int mu, int nu, int nb) {
    mat u, v;
    load_link(&u, links, b << 3, mu, nb);
    load_link(&v, links, x_mu, nu, nb);
    mul_nn(low_first, &u, &v);
    load_link(&u, links, b << 3, nu, nb);
    load_link(&v, links, x_nu, mu, nb);
    mul_nn(high_first, &u, &v);
}

// g += the force on link mu from the three plaquettes behind x: U sum_nu U_nu(q)^dag U_mu(x-nu)^dag U_nu(x-nu), q = x+mu-nu.
// `u` is the link itself.
INLINE void add_behind(V* g, mat* u, const __global V* restrict links, const __global int* restrict neighbours, int b,
                       int x_mu, int mu, int nb) {
    mat sum, v, t;
    UNROLL for (int k = 0; k < 18; ++k) sum.e[k] = (V)(0.0);
    NO_UNROLL for (int r = 0; r < 3; ++r) {
        const int nu = r + (r >= mu ? 1 : 0);
        const int behind = NEIGHBOUR_BACK(b, nu);
        load_link(u, links, behind, mu, nb);
        load_link(&v, links, NEIGHBOUR_BACK(x_mu >> 3, nu) ^ (x_mu & 7), nu, nb);
        mul_nn(&t, u, &v);
        load_link(u, links, behind, nu, nb);
        mul_dn_add(&sum, &t, u);
    }
    load_link(u, links, b << 3, mu, nb);
    V f[9];
    close_nn(f, u, &sum);
    UNROLL for (int k = 0; k < 9; ++k) g[k] = g[k] + f[k];
}

// What becomes of a link once its force is known: the momentum is kicked; with `next` the link drifts as well.
INLINE void finish_link(V* g, const __global V* restrict links, __global V* restrict next, __global V* restrict momenta,
                        const __global int* restrict neighbours, int b, int x_mu, int mu, int nb, double c, double step) {
    mat u;
    V p[9];
    add_behind(g, &u, links, neighbours, b, x_mu, mu, nb);
    kick_momentum(p, g, momenta, b, mu, nb, c);
    if (next != 0) {
        UNROLL for (int k = 0; k < 9; ++k) p[k] = step * p[k];
        mat e, moved;
        exponential(&e, p);
        mul_nn(&moved, &e, &u);
        store_link(&moved, next, b, mu, nb);
    }
}

INLINE void force_block(int b, const __global V* restrict links, __global V* restrict next, __global V* restrict momenta,
                        const __global int* restrict neighbours, int nb, double c, double step) {
    V g[36], p[9];
    UNROLL for (int k = 0; k < 36; ++k) g[k] = (V)(0.0);
    NO_UNROLL for (int mu = 0; mu < 3; ++mu) {
        NO_UNROLL for (int nu = mu + 1; nu < 4; ++nu) {
            mat ahead, aside;
            cross_plane(&ahead, &aside, links, b, NEIGHBOUR(b, mu), NEIGHBOUR(b, nu), mu, nu, nb);
            close_nd(p, &ahead, &aside);
            UNROLL for (int k = 0; k < 9; ++k) {
                g[9 * mu + k] = g[9 * mu + k] + p[k];
                g[9 * nu + k] = g[9 * nu + k] - p[k];
            }
        }
    }
    NO_UNROLL for (int mu = 0; mu < 4; ++mu)
        finish_link(&g[9 * mu], links, next, momenta, neighbours, b, NEIGHBOUR(b, mu), mu, nb, c, step);
}

// One link alone, with the operations of force_block in the same order: the same bits from more, smaller items.
INLINE void force_link(int b, int mu, const __global V* restrict links, __global V* restrict next,
                       __global V* restrict momenta, const __global int* restrict neighbours, int nb, double c, double step) {
    V g[9], p[9];
    UNROLL for (int k = 0; k < 9; ++k) g[k] = (V)(0.0);
    const int x_mu = NEIGHBOUR(b, mu);
    UNROLL for (int r = 0; r < 3; ++r) {
        const int nu = r + (r >= mu ? 1 : 0);
        mat ahead, aside;
        if (mu < nu)
            cross_plane(&ahead, &aside, links, b, x_mu, NEIGHBOUR(b, nu), mu, nu, nb);
        else
            cross_plane(&ahead, &aside, links, b, NEIGHBOUR(b, nu), x_mu, nu, mu, nb);
        close_nd(p, &ahead, &aside);
        UNROLL for (int k = 0; k < 9; ++k) g[k] = mu < nu ? g[k] + p[k] : g[k] - p[k];
    }
    finish_link(g, links, next, momenta, neighbours, b, x_mu, mu, nb, c, step);
}

// The t-neighbours of the block after b come from far away: asks for them now.
INLINE void prefetch_ahead(int b, const __global V* restrict links, const __global int* restrict neighbours, int nb) {
#if FORGE_B == 1 && FORGE_W == 8 && defined(__AVX512F__)
    if (b + 1 < nb) {
        const __global char* up = (const __global char*)&links[OFFSET(NEIGHBOUR(b + 1, 3) >> 3, 0, 0, 18, nb)];
        const __global char* down = (const __global char*)&links[OFFSET(NEIGHBOUR_BACK(b + 1, 3) >> 3, 0, 0, 18, nb)];
        UNROLL for (int k = 0; k < 72; ++k) {
            __asm__ volatile("prefetcht1 %0" ::"m"(up[64 * k]));
            __asm__ volatile("prefetcht1 %0" ::"m"(down[64 * k]));
        }
    }
#endif
}

#if FORGE_LINKS_PER_ITEM == 1
#define FORCE_OF_ITEM(next, step)                                                                                      \
    const int item = (int)get_global_id(0);                                                                            \
    if (item < 4 * n)                                                                                                  \
        force_link(first + item % n, item / n, links, next, momenta, neighbours, nb, c, step);
#else
#define FORCE_OF_ITEM(next, step)                                                                                      \
    const int b = first + (int)get_global_id(0);                                                                       \
    if (b < first + n) {                                                                                               \
        prefetch_ahead(b, links, neighbours, nb);                                                                      \
        force_block(b, links, next, momenta, neighbours, nb, c, step);                                                 \
    }
#endif

__kernel void gauge_force_kick(const __global V* restrict links, __global V* restrict momenta,
                               const __global int* restrict neighbours, int nb, int first, int n, double c) {
    FORCE_OF_ITEM((__global V*)0, 0.0)
}

// Kick and the drift after it in one sweep: the links of the next time go to a field of their own, since neighbours
// still read these. The same bits as gauge_force_kick and link_drift one after the other.
__kernel void gauge_force_step(const __global V* restrict links, __global V* restrict next, __global V* restrict momenta,
                               const __global int* restrict neighbours, int nb, int first, int n, double c, double step) {
    FORCE_OF_ITEM(next, step)
}
