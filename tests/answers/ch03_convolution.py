"""Right answers to chapter 03's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

# --- 03.convolve1d ----------------------------------------------------------------------------------------


def convolve1d_echoes(f, g):
    out = np.zeros(len(f) + len(g) - 1)
    for k in range(len(f)):
        out[k : k + len(g)] += f[k] * g
    return out


def convolve1d_formula(f, g):
    out = np.zeros(len(f) + len(g) - 1)
    for n in range(len(out)):
        for k in range(len(f)):
            if 0 <= n - k < len(g):
                out[n] += f[k] * g[n - k]
    return out


def convolve1d_padded(f, g):
    m = len(g)
    padded = np.pad(f, m - 1)
    return np.array([np.dot(padded[n : n + m], g[::-1]) for n in range(len(f) + m - 1)])


def convolve1d_diagonals(f, g):
    table = np.outer(f, g)[:, ::-1]
    return np.array([np.trace(table, offset=len(g) - 1 - n) for n in range(len(f) + len(g) - 1)])


def convolve1d_fft(f, g):
    n = len(f) + len(g) - 1
    return np.fft.irfft(np.fft.rfft(f, n) * np.fft.rfft(g, n), n)


def convolve1d_float32(f, g):
    return convolve1d_echoes(f, g).astype(np.float32)


def convolve1d_recursive(f, g):
    if len(f) == 1:
        return f[0] * g
    rest = convolve1d_recursive(f[1:], g)
    return np.append(f[0] * g, np.zeros(len(f) - 1)) + np.append([0.0], rest)


# --- 03.correlate2d ---------------------------------------------------------------------------------------


def correlate2d_loops(image, kernel):
    height, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            out[i, j] = np.sum(image[i : i + kernel.shape[0], j : j + kernel.shape[1]] * kernel)
    return out


def correlate2d_four_loops(image, kernel):
    H, W = image.shape
    KH, KW = kernel.shape
    out = []
    for i in range(H - KH + 1):
        row = []
        for j in range(W - KW + 1):
            total = 0.0
            for u in range(KH):
                for v in range(KW):
                    total += image[i + u, j + v] * kernel[u, v]
            row.append(total)
        out.append(row)
    return np.array(out)


def correlate2d_shifts(image, kernel):
    KH, KW = kernel.shape
    H, W = image.shape[0] - KH + 1, image.shape[1] - KW + 1
    return sum(kernel[u, v] * image[u : u + H, v : v + W] for u in range(KH) for v in range(KW))


def correlate2d_windows(image, kernel):
    return np.tensordot(sliding_window_view(image, kernel.shape), kernel, axes=2)


def correlate2d_float32(image, kernel):
    windows = sliding_window_view(image.astype(np.float32), kernel.shape)
    return np.einsum("ijuv,uv->ij", windows, kernel.astype(np.float32))


# --- 03.edge_kernels --------------------------------------------------------------------------------------


def edge_kernels_written():
    gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gy = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    return gx, gy


def edge_kernels_outer():
    gx = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    return gx, gx.T


def edge_kernels_small_ints():
    smooth, step = np.array([[1], [2], [1]], np.int8), np.array([[-1, 0, 1]], np.int8)
    return smooth @ step, (smooth @ step).T


def edge_kernels_list():
    gx = np.zeros((3, 3), np.float32)
    gx[:, 2] = 1, 2, 1
    gx -= gx[:, ::-1].copy()
    return [gx, np.rot90(gx, -1)]


# --- 03.kernel_grad ---------------------------------------------------------------------------------------


def kernel_grad_twice(image, kernel, target):
    error = correlate2d_loops(image, kernel) - target
    return 2 / error.size * correlate2d_loops(image, error)


def kernel_grad_per_weight(image, kernel, target):
    height, width = target.shape
    error = correlate2d_shifts(image, kernel) - target
    grad = np.zeros(kernel.shape)
    for u in range(kernel.shape[0]):
        for v in range(kernel.shape[1]):
            grad[u, v] = 2 * np.mean(error * image[u : u + height, v : v + width])
    return grad


def kernel_grad_per_place(image, kernel, target):
    grad, (height, width) = np.zeros_like(kernel), kernel.shape
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            window = image[i : i + height, j : j + width]
            grad += 2 * (np.sum(window * kernel) - target[i, j]) * window
    return grad / target.size


def kernel_grad_matrix(image, kernel, target):
    rows = sliding_window_view(image, kernel.shape).reshape(-1, kernel.size)
    return (2 / len(rows) * rows.T @ (rows @ kernel.ravel() - target.ravel())).reshape(kernel.shape)


def kernel_grad_differences(image, kernel, target):
    def loss(k):
        return np.mean((correlate2d_windows(image, k) - target) ** 2)

    grad = np.zeros(kernel.shape)
    for place in np.ndindex(kernel.shape):
        step = np.zeros(kernel.shape)
        step[place] = 0.5
        grad[place] = loss(kernel + step) - loss(kernel - step)  # of a parabola this is exact
    return grad


# --- 03.output_size ---------------------------------------------------------------------------------------


def output_size_formula(n, kernel, stride=1, padding=0):
    return (n + 2 * padding - kernel) // stride + 1


def output_size_floor(n, kernel, stride=1, padding=0):
    return math.floor((n + 2 * padding - kernel) / stride + 1)


def output_size_ceil(n, kernel, stride=1, padding=0):
    return -(-(n + 2 * padding - kernel + 1) // stride)


def output_size_counted(n, kernel, stride=1, padding=0):
    places, start = 0, -padding
    while start + kernel <= n + padding:
        places += 1
        start += stride
    return places


def output_size_range(n, kernel, stride=1, padding=0):
    return len(range(0, n + 2 * padding - kernel + 1, stride))


def output_size_numpy(n, kernel, stride=1, padding=0):
    return np.floor((n + 2 * padding - kernel) / stride) + 1


# --- 03.pad -----------------------------------------------------------------------------------------------


def pad_zeros(x, p):
    n, c, h, w = x.shape
    out = np.zeros((n, c, h + 2 * p, w + 2 * p))
    out[:, :, p : p + h, p : p + w] = x
    return out


def pad_numpy(x, p):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


def pad_joined(x, p):
    n, c, h, w = x.shape
    side = np.zeros((n, c, h, p))
    x = np.concatenate([side, x, side], axis=3)
    top = np.zeros((n, c, p, w + 2 * p))
    return np.concatenate([top, x, top], axis=2)


def pad_guarded(x, p):
    if p == 0:
        return x
    out = np.zeros(x.shape[:2] + (x.shape[2] + 2 * p, x.shape[3] + 2 * p), dtype=np.float32)
    out[..., p:-p, p:-p] = x
    return out


def pad_pixels(x, p):
    n, c, h, w = x.shape
    out = np.zeros((n, c, h + 2 * p, w + 2 * p))
    for i in range(h):
        for j in range(w):
            out[:, :, i + p, j + p] = x[:, :, i, j]
    return out


# --- 03.conv2d --------------------------------------------------------------------------------------------


def conv2d_loops(x, w, b, stride=1, padding=0):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = output_size_formula(H, KH, stride, padding), output_size_formula(W, KW, stride, padding)
    padded = pad_numpy(x, padding)
    out = np.zeros((N, F, OH, OW))
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    top, left = i * stride, j * stride
                    out[n, f, i, j] = np.sum(padded[n, :, top : top + KH, left : left + KW] * w[f]) + b[f]
    return out


def conv2d_seven_loops(x, w, b, stride=1, padding=0):
    padded = pad_zeros(x, padding)
    F, C, KH, KW = w.shape
    OH = (padded.shape[2] - KH) // stride + 1
    OW = (padded.shape[3] - KW) // stride + 1
    out = np.empty((len(x), F, OH, OW))
    for n in range(len(x)):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    total = b[f]
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total = total + padded[n, c, i * stride + u, j * stride + v] * w[f, c, u, v]
                    out[n, f, i, j] = total
    return out


def conv2d_no_padded_copy(x, w, b, stride=1, padding=0):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = output_size_formula(H, KH, stride, padding), output_size_formula(W, KW, stride, padding)
    out = np.tile(b.reshape(1, F, 1, 1), (N, 1, OH, OW))
    for i in range(OH):
        for j in range(OW):
            for u in range(KH):
                for v in range(KW):
                    y, z = i * stride + u - padding, j * stride + v - padding
                    if 0 <= y < H and 0 <= z < W:
                        out[:, :, i, j] += x[:, :, y, z] @ w[:, :, u, v].T
    return out


def conv2d_from_correlate2d(x, w, b, stride=1, padding=0):
    padded = pad_joined(x, padding)
    return np.array(
        [
            [
                sum(correlate2d_loops(channel, part) for channel, part in zip(picture, kernel, strict=True))[
                    ::stride, ::stride
                ]
                + bias
                for kernel, bias in zip(w, b, strict=True)
            ]
            for picture in padded
        ]
    )


def conv2d_einsum(x, w, b, stride=1, padding=0):
    windows = sliding_window_view(pad_numpy(x, padding), w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncijuv,fcuv->nfij", windows, w) + b.reshape(1, -1, 1, 1)


def conv2d_float32(x, w, b, stride=1, padding=0):
    return conv2d_einsum(x.astype(np.float32), w.astype(np.float32), b.astype(np.float32), stride, padding)


def conv2d_shifts(x, w, b, stride=1, padding=0):
    padded = pad_numpy(x, padding)
    F, C, KH, KW = w.shape
    OH, OW = (padded.shape[2] - KH) // stride + 1, (padded.shape[3] - KW) // stride + 1
    out = np.zeros((len(x), F, OH, OW)) + b[:, None, None]
    for u in range(KH):
        for v in range(KW):
            shifted = padded[:, :, u : u + stride * OH : stride, v : v + stride * OW : stride]
            out += np.tensordot(w[:, :, u, v], shifted, axes=(1, 1)).transpose(1, 0, 2, 3)
    return out


# --- 03.im2col --------------------------------------------------------------------------------------------


def im2col_loops(x, kh, kw, stride=1, padding=0):
    padded = pad_numpy(x, padding)
    rows = []
    for n in range(len(x)):
        for i in range(output_size_formula(x.shape[2], kh, stride, padding)):
            for j in range(output_size_formula(x.shape[3], kw, stride, padding)):
                rows.append(padded[n, :, i * stride : i * stride + kh, j * stride : j * stride + kw].reshape(-1))
    return np.array(rows)


def im2col_windows(x, kh, kw, stride=1, padding=0):
    windows = sliding_window_view(pad_numpy(x, padding), (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kh * kw)


def im2col_offsets(x, kh, kw, stride=1, padding=0):
    N, C, H, W = x.shape
    OH, OW = output_size_formula(H, kh, stride, padding), output_size_formula(W, kw, stride, padding)
    padded = pad_zeros(x, padding)
    out = np.zeros((N, OH, OW, C, kh, kw), dtype=np.float32)
    for u in range(kh):
        for v in range(kw):
            part = padded[:, :, u : u + stride * OH : stride, v : v + stride * OW : stride]
            out[..., u, v] = part.transpose(0, 2, 3, 1)
    return out.reshape(N * OH * OW, C * kh * kw)


def im2col_strided(x, kh, kw, stride=1, padding=0):
    padded = np.ascontiguousarray(pad_numpy(x, padding))
    N, C, H, W = padded.shape
    OH, OW = (H - kh) // stride + 1, (W - kw) // stride + 1
    sn, sc, sh, sw = padded.strides
    view = as_strided(padded, (N, OH, OW, C, kh, kw), (sn, sh * stride, sw * stride, sc, sh, sw))
    return view.reshape(N * OH * OW, -1)


def im2col_fancy(x, kh, kw, stride=1, padding=0):
    padded = pad_numpy(x, padding)
    N, C, H, W = padded.shape
    OH, OW = (H - kh) // stride + 1, (W - kw) // stride + 1
    c, u, v = (a.reshape(-1) for a in np.indices((C, kh, kw)))
    i, j = (a.reshape(-1, 1) for a in np.indices((OH, OW)))
    return padded[:, c, i * stride + u, j * stride + v].reshape(N * OH * OW, C * kh * kw)


# --- 03.conv2d_im2col -------------------------------------------------------------------------------------


def conv2d_im2col_plain(x, w, b, stride=1, padding=0):
    F, _, KH, KW = w.shape
    OH = output_size_formula(x.shape[2], KH, stride, padding)
    OW = output_size_formula(x.shape[3], KW, stride, padding)
    product = im2col_loops(x, KH, KW, stride, padding) @ w.reshape(F, -1).T + b
    return product.reshape(len(x), OH, OW, F).transpose(0, 3, 1, 2)


def conv2d_im2col_left(x, w, b, stride=1, padding=0):
    F, _, KH, KW = w.shape
    OH = output_size_formula(x.shape[2], KH, stride, padding)
    product = w.reshape(F, -1) @ im2col_windows(x, KH, KW, stride, padding).T
    out = product.reshape(F, len(x), OH, -1)
    out += b[:, None, None, None]
    return out.swapaxes(0, 1)


def conv2d_im2col_per_picture(x, w, b, stride=1, padding=0):
    F, _, KH, KW = w.shape
    OH = output_size_formula(x.shape[2], KH, stride, padding)
    out = []
    for picture in x:
        columns = im2col_fancy(picture[None], KH, KW, stride, padding)
        out.append((w.reshape(F, -1) @ columns.T).reshape(F, OH, -1) + b[:, None, None])
    return np.stack(out)


def conv2d_im2col_float32(x, w, b, stride=1, padding=0):
    F, _, KH, KW = w.shape
    OH = output_size_formula(x.shape[2], KH, stride, padding)
    product = im2col_offsets(x, KH, KW, stride, padding) @ w.reshape(F, -1).T.astype(np.float32)
    out = np.moveaxis(product.reshape(len(x), OH, -1, F), -1, 1)
    return (out + b.reshape(1, F, 1, 1)).astype(np.float32)


# --- 03.separable -----------------------------------------------------------------------------------------


def separable_svd(kernel):
    u, s, vt = np.linalg.svd(kernel)
    if len(s) > 1 and s[1] > 1e-6 * s[0]:
        return None
    return u[:, 0] * s[0], vt[0]


def separable_roots(kernel):
    if np.linalg.matrix_rank(kernel) != 1:
        return None
    u, s, vt = np.linalg.svd(kernel, full_matrices=False)
    return u[:, 0] * np.sqrt(s[0]), vt[0] * np.sqrt(s[0])


def separable_pivot(kernel):
    i, j = np.unravel_index(np.argmax(np.abs(kernel)), kernel.shape)
    column, row = kernel[:, j].copy(), kernel[i] / kernel[i, j]
    return (column, row) if np.allclose(np.outer(column, row), kernel, atol=0) else None


def separable_float32(kernel):
    row = max(kernel, key=lambda r: np.abs(r).max())
    column = kernel @ row / (row @ row)
    if np.abs(np.outer(column, row) - kernel).max() > 1e-6 * np.abs(kernel).max():
        return None
    return [column.astype(np.float32), row.astype(np.float32)]


def separable_power(kernel):
    row = np.ones(kernel.shape[1]) + np.arange(kernel.shape[1]) ** 2 / 7
    for _ in range(200):
        column = kernel @ row
        row = kernel.T @ column
        row /= np.linalg.norm(row)
    column = kernel @ row
    close = np.linalg.norm(kernel - np.outer(column, row)) < 1e-6 * np.linalg.norm(kernel)
    return (column, row) if close else None


ANSWERS = {
    "03.convolve1d": [
        convolve1d_echoes,
        convolve1d_formula,
        convolve1d_padded,
        convolve1d_diagonals,
        convolve1d_fft,
        convolve1d_float32,
        convolve1d_recursive,
    ],
    "03.correlate2d": [
        correlate2d_loops,
        correlate2d_four_loops,
        correlate2d_shifts,
        correlate2d_windows,
        correlate2d_float32,
    ],
    "03.edge_kernels": [
        edge_kernels_written,
        edge_kernels_outer,
        edge_kernels_small_ints,
        edge_kernels_list,
    ],
    "03.kernel_grad": [
        kernel_grad_twice,
        kernel_grad_per_weight,
        kernel_grad_per_place,
        kernel_grad_matrix,
        kernel_grad_differences,
    ],
    "03.output_size": [
        output_size_formula,
        output_size_floor,
        output_size_ceil,
        output_size_counted,
        output_size_range,
        output_size_numpy,
    ],
    "03.pad": [pad_zeros, pad_numpy, pad_joined, pad_guarded, pad_pixels],
    "03.conv2d": [
        conv2d_loops,
        conv2d_seven_loops,
        conv2d_no_padded_copy,
        conv2d_from_correlate2d,
        conv2d_einsum,
        conv2d_float32,
        conv2d_shifts,
    ],
    "03.im2col": [im2col_loops, im2col_windows, im2col_offsets, im2col_strided, im2col_fancy],
    "03.conv2d_im2col": [
        conv2d_im2col_plain,
        conv2d_im2col_left,
        conv2d_im2col_per_picture,
        conv2d_im2col_float32,
        conv2d_einsum,
    ],
    "03.separable": [separable_svd, separable_roots, separable_pivot, separable_float32, separable_power],
    "03.quiz": [("c", "b", "a", "d", "b"), ("C", "B", "A", "D", "B"), ("c)", "b)", "a)", "d)", "b)")],
}
