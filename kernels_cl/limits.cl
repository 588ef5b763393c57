// SPDX-License-Identifier: AGPL-3.0-only
// What the device can do at best, for bench: fma_peak (independent multiply-adds in registers) and stream_triad.
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

// a = b + s c over blocks of 64 vectors an item: 24 bytes and 2 flop an element.
__kernel void stream_triad(__global V* restrict a, const __global V* restrict b, const __global V* restrict c, double s) {
    const size_t first = get_global_id(0) * 64;
    for (size_t i = first; i < first + 64; ++i) a[i] = fma((V)(s), c[i], b[i]);
}
