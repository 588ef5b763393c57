// SPDX-License-Identifier: AGPL-3.0-only
// Between the canonical order [site][mu][component] of hosts and files and the device's blocks.
// n_components 18 (links) or 9 (momenta). Global size: blocks, padded.

__kernel void field_import(const __global double* restrict canonical, __global double* restrict field,
                           const __global uint* restrict rank0, int nb, uint4 lane_stride, int n_components) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    for (int l = 0; l < FORGE_W; ++l) {
        const uint rank = rank0[b] + (uint)(l & 1) * lane_stride.x + (uint)(l >> 1 & 1) * lane_stride.y +
                          (uint)(l >> 2 & 1) * lane_stride.z;
        for (int mu = 0; mu < 4; ++mu)
            for (int k = 0; k < n_components; ++k)
                field[OFFSET(b, mu, k, n_components, nb) * FORGE_W + l] =
                    canonical[((size_t)rank * 4 + mu) * n_components + k];
    }
}

__kernel void field_export(__global double* restrict canonical, const __global double* restrict field,
                           const __global uint* restrict rank0, int nb, uint4 lane_stride, int n_components) {
    const int b = (int)get_global_id(0);
    if (b >= nb)
        return;
    for (int l = 0; l < FORGE_W; ++l) {
        const uint rank = rank0[b] + (uint)(l & 1) * lane_stride.x + (uint)(l >> 1 & 1) * lane_stride.y +
                          (uint)(l >> 2 & 1) * lane_stride.z;
        for (int mu = 0; mu < 4; ++mu)
            for (int k = 0; k < n_components; ++k)
                canonical[((size_t)rank * 4 + mu) * n_components + k] =
                    field[OFFSET(b, mu, k, n_components, nb) * FORGE_W + l];
    }
}
