// SPDX-License-Identifier: AGPL-3.0-only
// What the device can do at best, for bench: fma_peak (independent multiply-adds in registers),
// stream_read and stream_triad (bandwidth of whatever memory their pieces fit into).
// A program of its own, not part of the physics: its text does not enter the kernel hash of receipts.

// 12 accumulators per item, `rounds` rounds: 24 * FORGE_W * rounds flop an item.
__kernel void fma_peak(__global double* restrict out, int rounds, double x) {
    V a[12];
    UNROLL for (int k = 0; k < 12; ++k) a[k] = (V)(1.0 + k) * x;
    const V b = (V)(1.0 - 1e-9), c = (V)(1e-9);
    for (int i = 0; i < rounds; ++i) {
        UNROLL for (int k = 0; k < 12; ++k) a[k] = fma(a[k], b, c);
    }
    V s = a[0];
    UNROLL for (int k = 1; k < 12; ++k) s = s + a[k];
#if FORGE_W == 1
    out[get_global_id(0)] = s;
#else
    PASTE(vstore, FORGE_W)(s, get_global_id(0), out);
#endif
}

// Each item passes `rounds` times over n vectors of its own, `stride` apart and starting at item * first: contiguous
// pieces for CPUs, interleaved ones for GPUs. Reading alone: 8 * FORGE_W bytes a vector.
__kernel void stream_read(const __global V* restrict a, __global double* restrict out, int n, int first, int stride, int rounds) {
    const size_t item = get_global_id(0);
    V s[8];
    UNROLL for (int k = 0; k < 8; ++k) s[k] = (V)(0.0);
    for (int r = 0; r < rounds; ++r) {
        const __global V* at = a + item * (size_t)first;
        for (int i = 0; i < n; i += 8) {
            UNROLL for (int k = 0; k < 8; ++k) s[k] = s[k] + at[(size_t)k * stride];
            at += (size_t)8 * stride;
        }
    }
    UNROLL for (int k = 1; k < 8; ++k) s[0] = s[0] + s[k];
#if FORGE_W == 1
    out[item] = s[0];
#else
    PASTE(vstore, FORGE_W)(s[0], item, out);
#endif
}

// a = b + x c in the same pattern: 24 bytes and 2 flop a double.
__kernel void stream_triad(__global V* restrict a, const __global V* restrict b, const __global V* restrict c, double x, int n,
                           int first, int stride, int rounds) {
    const size_t start = get_global_id(0) * (size_t)first;
    for (int r = 0; r < rounds; ++r)
        for (int i = 0; i < n; ++i) {
            const size_t at = start + (size_t)i * stride;
            a[at] = fma((V)(x), c[at], b[at]);
        }
}
