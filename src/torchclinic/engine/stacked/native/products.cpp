// Products of small matrices, for each member of a stack.
//
// Libraries are at their best with large matrices; the nets of a study are small. Two kernels are
// enough: "dot" where both factors are read along the summed index, "spread" where the second
// factor is read along the rows of the result. A tile of the result stays in registers.
//
// All matrices are dense and row by row; the members of a stack lie a fixed step apart. Each
// member is computed by itself, so that a result does not depend on who else is in the stack.

#include <cstddef>
#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

namespace {

template <typename T>
struct Vector {
  typedef T type __attribute__((vector_size(VECTOR_BYTES), aligned(alignof(T)), may_alias));
  static constexpr long lanes = VECTOR_BYTES / sizeof(T);
};

template <typename T>
using V = typename Vector<T>::type;

#if defined(__AVX512F__)
inline V<float> load_part(const float* p, long n) {
  return (V<float>)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
inline V<double> load_part(const double* p, long n) {
  return (V<double>)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
inline void store_part(float* p, V<float> v, long n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
inline void store_part(double* p, V<double> v, long n) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
}
inline float total(V<float> v) { return _mm512_reduce_add_ps((__m512)v); }
inline double total(V<double> v) { return _mm512_reduce_add_pd((__m512d)v); }
#else
template <typename T>
inline V<T> load_part_of(const T* p, long n) {
  V<T> v = {};
  for (long i = 0; i < n; i++) v[i] = p[i];
  return v;
}
template <typename T>
inline void store_part_of(T* p, V<T> v, long n) {
  for (long i = 0; i < n; i++) p[i] = v[i];
}
template <typename T>
inline T total_of(V<T> v) {
  T sum = 0;
  for (long i = 0; i < Vector<T>::lanes; i++) sum += v[i];
  return sum;
}
inline V<float> load_part(const float* p, long n) { return load_part_of<float>(p, n); }
inline V<double> load_part(const double* p, long n) { return load_part_of<double>(p, n); }
inline void store_part(float* p, V<float> v, long n) { store_part_of<float>(p, v, n); }
inline void store_part(double* p, V<double> v, long n) { store_part_of<double>(p, v, n); }
inline float total(V<float> v) { return total_of<float>(v); }
inline double total(V<double> v) { return total_of<double>(v); }
#endif

// --- c[i][j] = bias[j] + sum over p of a[i][p] * b[j][p] -----------------------------------------

constexpr long DOT_ROWS = 4, DOT_COLUMNS = 6;

template <typename T, int R, int C>
void dot_tile(long k, const T* a, const T* b, const T* bias, T* c, long n) {
  constexpr long L = Vector<T>::lanes;
  V<T> sum[R][C] = {};
  long p = 0;
  for (; p + L <= k; p += L) {
    V<T> right[C];
    #pragma GCC unroll 8
    for (int j = 0; j < C; j++) right[j] = *(const V<T>*)(b + j * k + p);
    #pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      V<T> left = *(const V<T>*)(a + i * k + p);
      #pragma GCC unroll 8
    for (int j = 0; j < C; j++) sum[i][j] += left * right[j];
    }
  }
  if (p < k) {
    V<T> right[C];
    #pragma GCC unroll 8
    for (int j = 0; j < C; j++) right[j] = load_part(b + j * k + p, k - p);
    #pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      V<T> left = load_part(a + i * k + p, k - p);
      #pragma GCC unroll 8
    for (int j = 0; j < C; j++) sum[i][j] += left * right[j];
    }
  }
  #pragma GCC unroll 8
    for (int i = 0; i < R; i++)
    #pragma GCC unroll 8
    for (int j = 0; j < C; j++) c[i * n + j] = total(sum[i][j]) + (bias ? bias[j] : T(0));
}

template <typename T, int R>
void dot_columns(long columns, long k, const T* a, const T* b, const T* bias, T* c, long n) {
  switch (columns) {
    case 1: return dot_tile<T, R, 1>(k, a, b, bias, c, n);
    case 2: return dot_tile<T, R, 2>(k, a, b, bias, c, n);
    case 3: return dot_tile<T, R, 3>(k, a, b, bias, c, n);
    case 4: return dot_tile<T, R, 4>(k, a, b, bias, c, n);
    case 5: return dot_tile<T, R, 5>(k, a, b, bias, c, n);
    default: return dot_tile<T, R, 6>(k, a, b, bias, c, n);
  }
}

template <typename T>
void dot_one(long m, long n, long k, const T* a, const T* b, const T* bias, T* c) {
  for (long j = 0; j < n; j += DOT_COLUMNS) {
    long columns = n - j < DOT_COLUMNS ? n - j : DOT_COLUMNS;
    const T* shift = bias ? bias + j : nullptr;
    for (long i = 0; i < m; i += DOT_ROWS) {
      const T *left = a + i * k, *right = b + j * k;
      T* out = c + i * n + j;
      switch (m - i) {
        case 1: dot_columns<T, 1>(columns, k, left, right, shift, out, n); break;
        case 2: dot_columns<T, 2>(columns, k, left, right, shift, out, n); break;
        case 3: dot_columns<T, 3>(columns, k, left, right, shift, out, n); break;
        default: dot_columns<T, 4>(columns, k, left, right, shift, out, n);
      }
    }
  }
}

// --- c[i][j] (+)= sum over p of a(i, p) * b[p][j] ------------------------------------------------

// A vector of a strip: the last one may have fewer elements.
template <typename T, bool PART>
inline V<T> load(const T* p, bool at_end, long last) {
  return PART && at_end ? load_part(p, last) : *(const V<T>*)p;
}

template <typename T, int R, int W, bool PART, bool ADD>
void spread_tile(long k, long last, const T* a, long row, long column, const T* b, T* c, long n) {
  constexpr long L = Vector<T>::lanes;
  V<T> sum[R][W];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 8
    for (int w = 0; w < W; w++)
      sum[i][w] = ADD ? load<T, PART>(c + i * n + w * L, w + 1 == W, last) : V<T>{};
  for (long p = 0; p < k; p++, b += n, a += column) {
    V<T> line[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; w++) line[w] = load<T, PART>(b + w * L, w + 1 == W, last);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      T factor = a[i * row];
#pragma GCC unroll 8
      for (int w = 0; w < W; w++) sum[i][w] += factor * line[w];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 8
    for (int w = 0; w < W; w++) {
      T* out = c + i * n + w * L;
      if (PART && w + 1 == W) store_part(out, sum[i][w], last);
      else *(V<T>*)out = sum[i][w];
    }
}

template <typename T, int R, int W, bool PART>
void spread_rows(long k, long last, const T* a, long row, long column, const T* b, T* c, long n,
                 bool add) {
  if (add) spread_tile<T, R, W, PART, true>(k, last, a, row, column, b, c, n);
  else spread_tile<T, R, W, PART, false>(k, last, a, row, column, b, c, n);
}

// One strip of W vectors, all rows.
template <typename T, int W, bool PART>
void spread_strip(long m, long k, long last, const T* a, long row, long column, const T* b, T* c,
                  long n, bool add) {
  long i = 0;
  for (; i + 6 <= m; i += 6)
    spread_rows<T, 6, W, PART>(k, last, a + i * row, row, column, b, c + i * n, n, add);
  for (; i + 4 <= m; i += 4)
    spread_rows<T, 4, W, PART>(k, last, a + i * row, row, column, b, c + i * n, n, add);
  for (; i + 2 <= m; i += 2)
    spread_rows<T, 2, W, PART>(k, last, a + i * row, row, column, b, c + i * n, n, add);
  for (; i < m; i++)
    spread_rows<T, 1, W, PART>(k, last, a + i * row, row, column, b, c + i * n, n, add);
}

template <typename T>
void spread_one(long m, long n, long k, const T* a, long row, long column, const T* b, T* c,
                bool add) {
  constexpr long L = Vector<T>::lanes;
  long j = 0;
  for (; j + 4 * L <= n; j += 4 * L)
    spread_strip<T, 4, false>(m, k, L, a, row, column, b + j, c + j, n, add);
  if (j == n) return;
  long last = (n - j) % L ? (n - j) % L : L;
  switch ((n - j + L - 1) / L) {
    case 1: return spread_strip<T, 1, true>(m, k, last, a, row, column, b + j, c + j, n, add);
    case 2: return spread_strip<T, 2, true>(m, k, last, a, row, column, b + j, c + j, n, add);
    case 3: return spread_strip<T, 3, true>(m, k, last, a, row, column, b + j, c + j, n, add);
    default: return spread_strip<T, 4, true>(m, k, last, a, row, column, b + j, c + j, n, add);
  }
}

template <typename T>
void dot_all(long members, long m, long n, long k, const T* a, long a_step, const T* b, long b_step,
             const T* bias, long bias_step, T* c, long c_step) {
  for (long i = 0; i < members; i++)
    dot_one(m, n, k, a + i * a_step, b + i * b_step, bias ? bias + i * bias_step : nullptr,
            c + i * c_step);
}

template <typename T>
void spread_all(long members, long m, long n, long k, const T* a, long a_step, long row, long column,
                const T* b, long b_step, T* c, long c_step, int add) {
  for (long i = 0; i < members; i++)
    spread_one(m, n, k, a + i * a_step, row, column, b + i * b_step, c + i * c_step, add != 0);
}

}  // namespace

extern "C" {

#define EXPORT(T, NAME)                                                                           \
  void dot_##NAME(long members, long m, long n, long k, const T* a, long a_step, const T* b,      \
                  long b_step, const T* bias, long bias_step, T* c, long c_step) {                \
    dot_all<T>(members, m, n, k, a, a_step, b, b_step, bias, bias_step, c, c_step);               \
  }                                                                                               \
  void spread_##NAME(long members, long m, long n, long k, const T* a, long a_step, long row,     \
                     long column, const T* b, long b_step, T* c, long c_step, int add) {          \
    spread_all<T>(members, m, n, k, a, a_step, row, column, b, b_step, c, c_step, add);           \
  }

EXPORT(float, float32)
EXPORT(double, float64)
}
