// SPDX-License-Identifier: AGPL-3.0-only
// link_drift: U_mu(x) <- exp(step P_mu(x)) U_mu(x). reunitarise_links: Gram-Schmidt back to SU(3).
// Global size: blocks, padded. link_drift: about 600 flop a link, 18 + 9 reals read, 18 written.

__kernel void link_drift(__global V* restrict links, const __global V* restrict momenta, int nb, double step) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    NO_UNROLL for (int mu = 0; mu < 4; ++mu) {
        V x[9];
        UNROLL for (int k = 0; k < 9; ++k) x[k] = step * momenta[OFFSET(b, mu, k, 9, nb)];
        mat e, u, next;
        exponential(&e, x);
        load_link(&u, links, b << 3, mu, nb);
        mul_nn(&next, &e, &u);
        store_link(&next, links, b, mu, nb);
    }
}

__kernel void reunitarise_links(__global V* restrict links, int nb) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    NO_UNROLL for (int mu = 0; mu < 4; ++mu) {
        mat u;
        load_link(&u, links, b << 3, mu, nb);
        V n = u.e[0] * u.e[0];
        UNROLL for (int k = 1; k < 6; ++k) n = fma(u.e[k], u.e[k], n);
        n = 1.0 / sqrt(n);
        UNROLL for (int k = 0; k < 6; ++k) u.e[k] = u.e[k] * n;
        // overlap = sum_j conj(r0_j) r1_j
        V re = u.e[0] * u.e[6], im = u.e[0] * u.e[7];
        re = fma(u.e[1], u.e[7], re);
        im = fma(-u.e[1], u.e[6], im);
        UNROLL for (int j = 1; j < 3; ++j) {
            re = fma(u.e[2 * j], u.e[6 + 2 * j], fma(u.e[2 * j + 1], u.e[7 + 2 * j], re));
            im = fma(u.e[2 * j], u.e[7 + 2 * j], fma(-u.e[2 * j + 1], u.e[6 + 2 * j], im));
        }
        UNROLL for (int j = 0; j < 3; ++j) {
            const V a = u.e[2 * j], c = u.e[2 * j + 1];
            u.e[6 + 2 * j] = fma(-re, a, fma(im, c, u.e[6 + 2 * j]));
            u.e[7 + 2 * j] = fma(-re, c, fma(-im, a, u.e[7 + 2 * j]));
        }
        n = u.e[6] * u.e[6];
        UNROLL for (int k = 7; k < 12; ++k) n = fma(u.e[k], u.e[k], n);
        n = 1.0 / sqrt(n);
        UNROLL for (int k = 6; k < 12; ++k) u.e[k] = u.e[k] * n;
        UNROLL for (int j = 0; j < 3; ++j) { // r2 = conj(r0 x r1)
            const int p = 2 * ((j + 1) % 3), q = 2 * ((j + 2) % 3);
            const V cr = fma(u.e[p], u.e[6 + q], fma(-u.e[p + 1], u.e[7 + q], fma(-u.e[q], u.e[6 + p], u.e[q + 1] * u.e[7 + p])));
            const V ci = fma(u.e[p], u.e[7 + q], fma(u.e[p + 1], u.e[6 + q], fma(-u.e[q], u.e[7 + p], -(u.e[q + 1] * u.e[6 + p]))));
            u.e[12 + 2 * j] = cr;
            u.e[13 + 2 * j] = -ci;
        }
        store_link(&u, links, b, mu, nb);
    }
}
