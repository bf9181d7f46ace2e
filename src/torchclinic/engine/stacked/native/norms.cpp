// Batch and layer normalisation of small matrices, for each member of a stack.
//
// x, normal, out, d and before are (members, rows, n), dense; scale and shift lie `step` apart from
// member to member, or are null. The sums over rows that the gradients of shift and scale are made
// of are (members, n), dense.

#include <cmath>

namespace {

template <typename T>
void affine(long n, const T* scale, const T* shift, const T* normal, T* out) {
#pragma omp simd
  for (long j = 0; j < n; j++)
    out[j] = (scale ? scale[j] : T(1)) * normal[j] + (shift ? shift[j] : T(0));
}

// Over the rows. mean, variance and inverse are (n).
template <typename T>
void batch_forward(long rows, long n, const T* x, const T* scale, const T* shift, double eps,
                   T* normal, T* out, T* mean, T* variance, T* inverse) {
  for (long j = 0; j < n; j++) mean[j] = variance[j] = 0;
  for (long i = 0; i < rows; i++)
#pragma omp simd
    for (long j = 0; j < n; j++) mean[j] += x[i * n + j];
  for (long j = 0; j < n; j++) mean[j] /= T(rows);
  for (long i = 0; i < rows; i++)
#pragma omp simd
    for (long j = 0; j < n; j++) {
      T off = x[i * n + j] - mean[j];
      normal[i * n + j] = off;
      variance[j] += off * off;
    }
  for (long j = 0; j < n; j++) {
    variance[j] /= T(rows);
    inverse[j] = T(1) / std::sqrt(variance[j] + T(eps));
  }
  for (long i = 0; i < rows; i++) {
#pragma omp simd
    for (long j = 0; j < n; j++) normal[i * n + j] *= inverse[j];
    affine(n, scale, shift, normal + i * n, out + i * n);
  }
}

template <typename T>
void sums(long rows, long n, const T* d, const T* normal, T* shift_sum, T* slope_sum) {
  for (long j = 0; j < n; j++) shift_sum[j] = slope_sum[j] = 0;
  for (long i = 0; i < rows; i++)
#pragma omp simd
    for (long j = 0; j < n; j++) {
      shift_sum[j] += d[i * n + j];
      slope_sum[j] += d[i * n + j] * normal[i * n + j];
    }
}

template <typename T>
void batch_backward(long rows, long n, const T* d, const T* normal, const T* scale, const T* inverse,
                    const T* shift_sum, const T* slope_sum, T* before) {
  T share = T(1) / T(rows);
  for (long i = 0; i < rows; i++)
#pragma omp simd
    for (long j = 0; j < n; j++) {
      T flat = (shift_sum[j] + normal[i * n + j] * slope_sum[j]) * share;
      before[i * n + j] = (d[i * n + j] - flat) * (scale ? scale[j] : T(1)) * inverse[j];
    }
}

// Over the features. inverse is (rows).
template <typename T>
void layer_forward(long rows, long n, const T* x, const T* scale, const T* shift, double eps,
                   T* normal, T* out, T* inverse) {
  for (long i = 0; i < rows; i++, x += n, normal += n, out += n) {
    T mean = 0, variance = 0;
#pragma omp simd reduction(+ : mean)
    for (long j = 0; j < n; j++) mean += x[j];
    mean /= T(n);
#pragma omp simd reduction(+ : variance)
    for (long j = 0; j < n; j++) {
      T off = x[j] - mean;
      normal[j] = off;
      variance += off * off;
    }
    inverse[i] = T(1) / std::sqrt(variance / T(n) + T(eps));
#pragma omp simd
    for (long j = 0; j < n; j++) normal[j] *= inverse[i];
    affine(n, scale, shift, normal, out);
  }
}

template <typename T>
void layer_backward(long rows, long n, const T* d, const T* normal, const T* scale,
                    const T* inverse, T* before) {
  for (long i = 0; i < rows; i++, d += n, normal += n, before += n) {
    T level = 0, slope = 0;
#pragma omp simd reduction(+ : level, slope)
    for (long j = 0; j < n; j++) {
      T inner = scale ? d[j] * scale[j] : d[j];
      before[j] = inner;
      level += inner;
      slope += inner * normal[j];
    }
    level /= T(n);
    slope /= T(n);
#pragma omp simd
    for (long j = 0; j < n; j++) before[j] = (before[j] - level - normal[j] * slope) * inverse[i];
  }
}

template <typename T>
const T* of(const T* p, long member, long step) {
  return p ? p + member * step : nullptr;
}

}  // namespace

extern "C" {

#define EXPORT(T, NAME)                                                                           \
  void batch_norm_##NAME(long members, long rows, long n, const T* x, const T* scale,             \
                         const T* shift, long step, double eps, T* normal, T* out, T* mean,       \
                         T* variance, T* inverse) {                                               \
    for (long m = 0; m < members; m++)                                                            \
      batch_forward(rows, n, x + m * rows * n, of(scale, m, step), of(shift, m, step), eps,       \
                    normal + m * rows * n, out + m * rows * n, mean + m * n, variance + m * n,    \
                    inverse + m * n);                                                             \
  }                                                                                               \
  void batch_norm_back_##NAME(long members, long rows, long n, const T* d, const T* normal,       \
                              const T* scale, long step, const T* inverse, T* shift_sum,          \
                              T* slope_sum, T* before) {                                          \
    for (long m = 0; m < members; m++) {                                                          \
      long at = m * rows * n;                                                                     \
      sums(rows, n, d + at, normal + at, shift_sum + m * n, slope_sum + m * n);                   \
      batch_backward(rows, n, d + at, normal + at, of(scale, m, step), inverse + m * n,           \
                     shift_sum + m * n, slope_sum + m * n, before + at);                          \
    }                                                                                             \
  }                                                                                               \
  void layer_norm_##NAME(long members, long rows, long n, const T* x, const T* scale,             \
                         const T* shift, long step, double eps, T* normal, T* out, T* inverse) {  \
    for (long m = 0; m < members; m++)                                                            \
      layer_forward(rows, n, x + m * rows * n, of(scale, m, step), of(shift, m, step), eps,       \
                    normal + m * rows * n, out + m * rows * n, inverse + m * rows);               \
  }                                                                                               \
  void layer_norm_back_##NAME(long members, long rows, long n, const T* d, const T* normal,       \
                              const T* scale, long step, const T* inverse, T* shift_sum,          \
                              T* slope_sum, T* before) {                                          \
    for (long m = 0; m < members; m++) {                                                          \
      long at = m * rows * n;                                                                     \
      sums(rows, n, d + at, normal + at, shift_sum + m * n, slope_sum + m * n);                   \
      layer_backward(rows, n, d + at, normal + at, of(scale, m, step), inverse + m * rows,        \
                     before + at);                                                                \
    }                                                                                             \
  }

EXPORT(float, float32)
EXPORT(double, float64)
}
