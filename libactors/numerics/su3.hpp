// SPDX-License-Identifier: AGPL-3.0-only
// SU(3) and su(3) as plain 3x3 complex matrices: the value type of the host.
#pragma once

#include <array>
#include <complex>
#include <cstddef>

namespace forge {

using complex = std::complex<double>;

/// Product without the not-a-number rescue of the C++ library (four products, two sums).
inline complex mul(complex a, complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// 3x3 complex matrix, row-major.
struct su3 {
    std::array<complex, 9> e{};

    complex& operator()(std::size_t row, std::size_t col) { return e[3 * row + col]; }
    const complex& operator()(std::size_t row, std::size_t col) const { return e[3 * row + col]; }
    friend bool operator==(const su3&, const su3&) = default;
};

[[nodiscard]] su3 identity();
[[nodiscard]] su3 operator*(const su3& a, const su3& b);
[[nodiscard]] su3 operator+(const su3& a, const su3& b);
[[nodiscard]] su3 operator-(const su3& a, const su3& b);
[[nodiscard]] su3 operator*(complex z, const su3& a);
[[nodiscard]] su3 dagger(const su3& a);
[[nodiscard]] complex trace(const su3& a);
[[nodiscard]] complex determinant(const su3& a);

/// max_ij |(U U^dag - 1)_ij|
[[nodiscard]] double unitarity_deviation(const su3& u);

/// TA[M] = (M - M^dag)/2 - tr(M - M^dag)/6, the traceless anti-Hermitian part (docs/notes/conventions.md).
[[nodiscard]] su3 project_ta(const su3& m);

/// exp(M) for any 3x3 matrix, by scaling, a Taylor series to rounding and squaring. The meaning of the
/// devices' exponential; written for clarity. Accuracy about 1e-15 for |M| <= 1.
[[nodiscard]] su3 exponential(const su3& m);

/// Nearest group element by Gram-Schmidt: row 0 normalised, row 1 made orthogonal, row 2 = conj(row0 x row1).
[[nodiscard]] su3 reunitarise(const su3& u);

/// Third row of an SU(3) matrix from its first two: conj(row0 x row1).
void complete_third_row(su3& u);

} // namespace forge
