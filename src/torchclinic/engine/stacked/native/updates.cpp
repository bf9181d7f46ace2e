// One step of an optimizer for each member of a stack, in one pass over its parameters.
//
// p, g and the states are (members, n), their rows some elements apart. c holds each member's
// coefficients, in the order that the formula names; they are computed in double and rounded here.
// The formulas are those of the package's optimizers/, which say where they come from.

#include <cmath>

namespace {

template <typename T>
struct Row {
  long n;
  T *__restrict p, *__restrict g, *__restrict a, *__restrict b, *__restrict e;
};

template <typename T>
inline T larger(T x, T y) {
  return (y > x || y != y) ? y : x;  // NaN stays NaN
}

// rate, decay, momentum, fresh; flags: nesterov
template <typename T>
void sgd(Row<T> r, const T* c, T sign, long flags) {
  T rate = c[0], decay = c[1], momentum = c[2], fresh = c[3];
  bool nesterov = flags & 1;
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T d = sign * r.g[i] + decay * r.p[i];
    T kept = momentum * r.a[i] + fresh * d;
    r.a[i] = kept;
    r.p[i] += rate * (nesterov ? d + momentum * kept : kept);
  }
}

// rate, eps, decay
template <typename T>
void adagrad(Row<T> r, const T* c, T sign, long) {
  T rate = c[0], eps = c[1], decay = c[2];
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T d = sign * r.g[i] + decay * r.p[i];
    T total = r.a[i] + d * d;
    r.a[i] = total;
    r.p[i] += rate * d / (std::sqrt(total) + eps);
  }
}

// rho, fresh, eps, rate, decay
template <typename T>
void adadelta(Row<T> r, const T* c, T sign, long) {
  T rho = c[0], fresh = c[1], eps = c[2], rate = c[3], decay = c[4];
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T d = sign * r.g[i] + decay * r.p[i];
    T square = rho * r.a[i] + fresh * d * d;
    T delta = std::sqrt(r.b[i] + eps) / std::sqrt(square + eps) * d;
    r.a[i] = square;
    r.b[i] = rho * r.b[i] + fresh * delta * delta;
    r.p[i] += rate * delta;
  }
}

// alpha, fresh, eps, rate, momentum, decay; flags: centered
template <typename T>
void rmsprop(Row<T> r, const T* c, T sign, long flags) {
  T alpha = c[0], fresh = c[1], eps = c[2], rate = c[3], momentum = c[4], decay = c[5];
  bool centered = flags & 1;
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T d = sign * r.g[i] + decay * r.p[i];
    T square = alpha * r.a[i] + fresh * d * d;
    T mean = r.b[i] + fresh * (d - r.b[i]);
    r.a[i] = square;
    r.b[i] = mean;
    T kept = momentum * r.e[i] + d / (std::sqrt(centered ? square - mean * mean : square) + eps);
    r.e[i] = kept;
    r.p[i] += rate * kept;
  }
}

// fresh1, beta2, fresh2, rate, scale, eps, decay, shrink; flags: amsgrad
template <typename T>
void adam(Row<T> r, const T* c, T sign, long flags) {
  T fresh1 = c[0], beta2 = c[1], fresh2 = c[2], rate = c[3], scale = c[4], eps = c[5];
  T decay = c[6], shrink = c[7];
  bool amsgrad = flags & 1;
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T w = r.p[i] * shrink, d = sign * r.g[i] + decay * w;
    T mean = r.a[i] + fresh1 * (d - r.a[i]);
    T square = beta2 * r.b[i] + fresh2 * d * d;
    r.a[i] = mean;
    r.b[i] = square;
    if (amsgrad) r.e[i] = square = larger(r.e[i], square);
    r.p[i] = w + rate * mean / (std::sqrt(square) * scale + eps);
  }
}

// fresh1, beta2, fresh2, scale, of_gradient, of_mean, eps, decay, shrink
template <typename T>
void nadam(Row<T> r, const T* c, T sign, long) {
  T fresh1 = c[0], beta2 = c[1], fresh2 = c[2], scale = c[3], of_gradient = c[4], of_mean = c[5];
  T eps = c[6], decay = c[7], shrink = c[8];
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T w = r.p[i] * shrink, d = sign * r.g[i] + decay * w;
    T mean = r.a[i] + fresh1 * (d - r.a[i]);
    T square = beta2 * r.b[i] + fresh2 * d * d;
    r.a[i] = mean;
    r.b[i] = square;
    r.p[i] = w + (of_gradient * d + of_mean * mean) / (std::sqrt(square * scale) + eps);
  }
}

// fresh1, beta2, fresh2, rate, eps, rectified, decay, shrink
template <typename T>
void radam(Row<T> r, const T* c, T sign, long) {
  T fresh1 = c[0], beta2 = c[1], fresh2 = c[2], rate = c[3], eps = c[4];
  bool rectified = c[5] > 0;
  T decay = c[6], shrink = c[7];
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T w = r.p[i] * shrink, d = sign * r.g[i] + decay * w;
    T mean = r.a[i] + fresh1 * (d - r.a[i]);
    T square = beta2 * r.b[i] + fresh2 * d * d;
    r.a[i] = mean;
    r.b[i] = square;
    r.p[i] = w + rate * mean / (rectified ? std::sqrt(square) + eps : T(1));
  }
}

// fresh1, beta2, fresh2, rate, scale, eps, decay, shrink; flags: ams_bound
template <typename T>
void adabelief(Row<T> r, const T* c, T sign, long flags) {
  T fresh1 = c[0], beta2 = c[1], fresh2 = c[2], rate = c[3], scale = c[4], eps = c[5];
  T decay = c[6], shrink = c[7];
  bool bound = flags & 1;
#pragma omp simd
  for (long i = 0; i < r.n; i++) {
    T w = r.p[i] * shrink, d = sign * r.g[i] + decay * w;
    T mean = r.a[i] + fresh1 * (d - r.a[i]), surprise = d - mean;
    T variance = beta2 * r.b[i] + fresh2 * surprise * surprise + eps;
    r.a[i] = mean;
    r.b[i] = variance;
    if (bound) r.e[i] = variance = larger(r.e[i], variance);
    r.p[i] = w + rate * mean / (std::sqrt(variance) * scale + eps);
  }
}

constexpr long MOST = 16;  // coefficients of any formula

template <typename T, typename Formula>
void each(Formula formula, long members, long n, const double* c, long count, T* p, T* g, long step,
          T* a, T* b, T* e, long state_step, double sign, long flags) {
  for (long m = 0; m < members; m++) {
    T rounded[MOST];
    for (long k = 0; k < count; k++) rounded[k] = T(c[m * count + k]);
    long at = m * state_step;
    Row<T> row{n, p + m * step, g + m * step, a ? a + at : nullptr, b ? b + at : nullptr,
               e ? e + at : nullptr};
    formula(row, rounded, T(sign), flags);
  }
}

}  // namespace

extern "C" {

#define EXPORT(FORMULA, T, NAME)                                                                  \
  void FORMULA##_##NAME(long members, long n, const double* c, long count, T* p, T* g, long step, \
                        T* a, T* b, T* e, long state_step, double sign, long flags) {             \
    each<T>(FORMULA<T>, members, n, c, count, p, g, step, a, b, e, state_step, sign, flags);      \
  }
#define BOTH(FORMULA) EXPORT(FORMULA, float, float32) EXPORT(FORMULA, double, float64)

BOTH(sgd)
BOTH(adagrad)
BOTH(adadelta)
BOTH(rmsprop)
BOTH(adam)
BOTH(nadam)
BOTH(radam)
BOTH(adabelief)
}
