// SPDX-License-Identifier: AGPL-3.0-only
// momenta_refresh: P = sum_a p_a (i/2) lambda_a, p_a ~ N(0,1) from Philox (link, trajectory, segment, purpose | draw).
// momenta_kinetic: per site -sum_mu tr P_mu^2, written in canonical site order. Global size: blocks, padded.

__kernel void momenta_refresh(__global V* restrict momenta, const __global uint* restrict rank0, int nb,
                              uint4 lane_stride, uint key0, uint key1, uint trajectory, uint segment, uint purpose) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    const U32 ranks = lane_ranks(rank0[b], lane_stride);
    NO_UNROLL for (int mu = 0; mu < 4; ++mu) {
        V p[8];
        for (uint draw = 0; draw < 4; ++draw) {
            philox_block c;
            c.w[0] = TO_U64(ranks * 4u + (uint)mu);
            c.w[1] = (U64)((ulong)trajectory);
            c.w[2] = (U64)((ulong)segment);
            c.w[3] = (U64)((ulong)(purpose << 16 | draw));
            normal_pair(philox4x32(c, key0, key1), &p[2 * draw], &p[2 * draw + 1]);
        }
        const V p8 = p[7] * 0.57735026918962576451;
        momenta[OFFSET(b, mu, 0, 9, nb)] = 0.5 * (p8 + p[2]);
        momenta[OFFSET(b, mu, 1, 9, nb)] = 0.5 * (p8 - p[2]);
        momenta[OFFSET(b, mu, 2, 9, nb)] = -p8;
        momenta[OFFSET(b, mu, 3, 9, nb)] = 0.5 * p[1];
        momenta[OFFSET(b, mu, 4, 9, nb)] = 0.5 * p[0];
        momenta[OFFSET(b, mu, 5, 9, nb)] = 0.5 * p[4];
        momenta[OFFSET(b, mu, 6, 9, nb)] = 0.5 * p[3];
        momenta[OFFSET(b, mu, 7, 9, nb)] = 0.5 * p[6];
        momenta[OFFSET(b, mu, 8, 9, nb)] = 0.5 * p[5];
    }
}

__kernel void momenta_kinetic(const __global V* restrict momenta, __global double* restrict partial,
                              const __global uint* restrict rank0, int nb, uint4 lane_stride) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    V diagonal = (V)(0.0), off = (V)(0.0);
    UNROLL for (int mu = 0; mu < 4; ++mu) {
        UNROLL for (int k = 0; k < 9; ++k) {
            const V p = momenta[OFFSET(b, mu, k, 9, nb)];
            if (k < 3)
                diagonal = fma(p, p, diagonal);
            else
                off = fma(p, p, off);
        }
    }
    scatter(partial, lane_ranks(rank0[b], lane_stride), fma((V)(2.0), off, diagonal));
}
