"""Chapter 03, convolution: its exercises, their cases, oracles and known mistakes.

Inputs are rounded to two decimals, so that a learner can read them, and answers to ten, so that a sheet is the same
on every machine.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from autograder.authoring.draws import rounded, signed, whole
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import convolution, output_size, windows_of
from introdl import data

LIBRARIES = ("torch.*", "scipy.signal.*", "scipy.ndimage.*", "scipy.linalg.convolution_matrix")


# --- 03.convolve1d ------------------------------------------------------------------------------------------


def _full_convolution(f, g):
    out = np.zeros(len(f) + len(g) - 1)
    for k, value in enumerate(f):
        out[k : k + len(g)] += value * g
    return rounded(out)


def _convolve1d_oracle(f, g):
    from scipy.signal import convolve

    return rounded(convolve(f, g, mode="full", method="direct"))


def _convolve1d_cases(rng):
    yield Case("small whole numbers", f=whole(rng, 4, 1, 5), g=np.sort(whole(rng, 3, 1, 5)) + [0.0, 1.0, 2.0])
    yield Case("g is the longer one, and large", f=signed(rng, 3), g=signed(rng, 6, 900, 120))
    yield Case("f is the longer one, and large", f=signed(rng, 9, 900, 120), g=signed(rng, 4))
    yield Case("g is a single number", weight=0.75, f=signed(rng, 6), g=signed(rng, 1))
    yield Case("equal lengths", f=signed(rng, 5), g=signed(rng, 5))
    yield Case("f is a single number", weight=0.5, f=signed(rng, 1), g=signed(rng, 4))


def _middle(f, g, length):
    whole = _full_convolution(f, g)
    start = (len(whole) - length) // 2
    return whole[start : start + length]


def _wraps_around(f, g):
    out = np.zeros(len(f) + len(g) - 1)
    for n in range(len(out)):
        for k in range(len(f)):
            if n - k < len(g):
                out[n] += f[k] * g[n - k]
    return rounded(out)


def _unguarded(f, g):
    return rounded([sum(f[k] * g[n - k] for k in range(len(f))) for n in range(len(f) + len(g) - 1)])


CONVOLVE1D = Exercise(
    id="03.convolve1d",
    title="Full convolution of two sequences",
    points=8,
    cases=_convolve1d_cases,
    oracle=_convolve1d_oracle,
    forbidden=(
        "numpy.convolve",
        "numpy.correlate",
        "numpy.polymul",
        "numpy.polynomial.*",
        "sympy.*",
        *LIBRARIES,
    ),
    misconceptions={
        "g is not flipped": Mistake(
            "You slide g along f as it stands: that is cross-correlation. In a convolution the two indices add up to "
            "n, so while k grows, the index into g falls. Compare your index into g with the formula.",
            lambda f, g: _full_convolution(f, g[::-1]),
        ),
        "the result is back to front": Mistake(
            "Your numbers are right, but they are in reverse order. It is g that runs backwards as k grows, while "
            "the outputs still count up from n = 0.",
            lambda f, g: _full_convolution(f, g)[::-1].copy(),
        ),
        "only the middle is returned": Mistake(
            "Your result is cut to the length of the longer input, which is NumPy's mode 'same'. Here every overlap "
            "counts, also where a single pair of numbers meets. How many places n have at least one pair?",
            lambda f, g: _middle(f, g, max(len(f), len(g))),
        ),
        "only complete overlaps": Mistake(
            "You keep only the places where the shorter input lies wholly on the longer one (mode 'valid'). The full "
            "convolution also has the places at both ends, where they overlap in part.",
            lambda f, g: _middle(f, g, abs(len(f) - len(g)) + 1),
        ),
        "the result stops when f stops": Mistake(
            "Your result is as long as f. The last number of f still has its echo, and g says how long that echo "
            "lasts. How many numbers come after?",
            lambda f, g: _full_convolution(f, g)[: len(f)].copy(),
        ),
        "the last number is missing": Mistake(
            "Your result is one number short: the very last one is missing. Count the places by hand for lengths 2 and "
            "2, then look at your range.",
            lambda f, g: _full_convolution(f, g)[:-1].copy(),
        ),
        "one number too many": Mistake(
            "Your result ends with a place where f and g no longer meet, so there is one zero too many. Count the "
            "places by hand for lengths 2 and 2.",
            lambda f, g: np.append(_full_convolution(f, g), 0.0),
        ),
        "a negative index counts from the end": Mistake(
            "Where n - k is negative there is no g. Python does not complain: a negative index counts from the end of "
            "the array, so numbers from the far end are added. Guard both ends of the range.",
            _wraps_around,
        ),
        "no look at where g begins and ends": Mistake(
            "Your formula asks for g[n - k] also where n - k is below 0 or beyond the end of g. There is no g, so "
            "nothing is added: let k run only over the places where both k and n - k exist, or ask with an if.",
            _unguarded,
        ),
    },
    hints=(
        "Think of echoes: each number f[k] leaves a copy of g, multiplied by f[k], that begins at place k. How long "
        "is the result when the last echo has died away?",
        "Make an array of len(f) + len(g) - 1 zeros. One loop over k is enough: which slice of the result does the "
        "echo of f[k] fall on?",
        "The echo of f[k] has len(g) numbers and begins at k, so it is added to the slice from k to k + len(g). What "
        "is added there is f[k] * g. With this view the flip happens by itself.",
    ),
)


# --- 03.correlate2d -----------------------------------------------------------------------------------------


def _valid_correlation(image, kernel):
    windows = sliding_window_view(image, kernel.shape)
    return rounded(np.einsum("ijuv,uv->ij", windows, kernel))


def _correlate2d_oracle(image, kernel):
    from scipy.signal import correlate2d

    return rounded(correlate2d(image, kernel, mode="valid"))


def _correlate2d_cases(rng):
    kernel = whole(rng, (2, 2), -2, 3)
    kernel[0, 1] = kernel[1, 0] + 1
    yield Case("a 2 x 2 kernel, whole numbers", image=whole(rng, (3, 4), 0, 5), kernel=kernel)
    yield Case("a 3 x 3 kernel, bright pixels", image=signed(rng, (6, 7), 250, 110), kernel=signed(rng, (3, 3)))
    yield Case(
        "a wide kernel, 2 x 4, of large weights", image=signed(rng, (5, 6)), kernel=signed(rng, (2, 4), 400, 110)
    )
    yield Case("a tall kernel, 4 x 1", image=signed(rng, (6, 5)), kernel=signed(rng, (4, 1)))
    yield Case("a kernel as large as the image", image=signed(rng, (3, 3)), kernel=signed(rng, (3, 3)))
    yield Case("a single weight", image=signed(rng, (4, 3)), kernel=signed(rng, (1, 1)))
    yield Case("a piece of the doughnut", image=_piece(rng, 30, 40), kernel=signed(rng, (3, 3)))


def _piece(rng, height, width):
    """A piece of the photograph in gray, somewhere near the doughnut, at half its size."""
    gray = data.doughnut().mean(axis=2)[::2, ::2] / 255
    top, left = rng.integers(30, 60), rng.integers(20, 70)
    return gray[top : top + height, left : left + width].round(2)


def _transposed_kernel(image, kernel):
    windows = sliding_window_view(image, kernel.shape)
    return rounded((windows * kernel.T).sum(axis=(2, 3)))


def _same_size(image, kernel):
    height, width = kernel.shape
    top, left = (height - 1) // 2, (width - 1) // 2
    padded = np.pad(image, ((top, height - 1 - top), (left, width - 1 - left)))
    return _valid_correlation(padded, kernel)


def _in_the_corner(image, kernel):
    out = np.zeros_like(image)
    small = _valid_correlation(image, kernel)
    out[: small.shape[0], : small.shape[1]] = small
    return out


def _one_short_in_zeros(image, kernel):
    out = _valid_correlation(image, kernel)
    out[-1, :] = 0
    out[:, -1] = 0
    return out


def _looped(rows, columns, k_h, k_w, image, kernel):
    """Slide windows of k_h x k_w over an image that is said to have so many rows and columns."""
    out = np.zeros((rows - k_h + 1, columns - k_w + 1))
    for i, j in np.ndindex(out.shape):
        out[i, j] = np.sum(image[i : i + k_h, j : j + k_w] * kernel)
    return rounded(out)


def _one_side(axis):
    return lambda image, kernel: _looped(*image.shape, *(2 * [kernel.shape[axis]]), image, kernel)


def _matrix_product(image, kernel):
    windows = sliding_window_view(image, kernel.shape)
    return rounded((windows @ kernel).sum(axis=(2, 3)))


CORRELATE2D = Exercise(
    id="03.correlate2d",
    title="Slide a kernel over an image",
    points=12,
    image=True,
    cases=_correlate2d_cases,
    oracle=_correlate2d_oracle,
    forbidden=("numpy.convolve", "numpy.correlate", *LIBRARIES),
    misconceptions={
        "the kernel is flipped": Mistake(
            "Your kernel is turned by 180 degrees: that is true convolution. Deep learning uses cross-correlation, "
            "where kernel[u, v] meets image[i + u, j + v]. Look at the signs in your indices.",
            lambda image, kernel: _valid_correlation(image, kernel[::-1, ::-1]),
        ),
        "the kernel is flipped upside down": Mistake(
            "The rows of your kernel run from bottom to top: a single [::-1] turns only the first axis. "
            "Cross-correlation turns neither.",
            lambda image, kernel: _valid_correlation(image, kernel[::-1]),
        ),
        "the kernel is flipped left to right": Mistake(
            "The columns of your kernel run from right to left. Cross-correlation takes the kernel as it stands, on "
            "both axes.",
            lambda image, kernel: _valid_correlation(image, kernel[:, ::-1]),
        ),
        "rows and columns of the kernel are swapped": Mistake(
            "Your kernel is transposed: its row index moves along the image's columns. The first index is the row, in "
            "the image and in the kernel.",
            _transposed_kernel,
        ),
        "the last row and column are missing": Mistake(
            "The kernel would still fit one row further down and one column further to the right. A kernel of 2 fits "
            "into 3 pixels at 2 places: count them, then look at the end of your ranges.",
            lambda image, kernel: _valid_correlation(image, kernel)[:-1, :-1].copy(),
        ),
        "the last row and column stay zero": Mistake(
            "The size of your output is right, but its last row and last column are never filled in. Your loops end "
            "one step too early.",
            _one_short_in_zeros,
        ),
        "padded to the size of the image": Mistake(
            "Your output is as large as the image, so zeros were put around it. Here only the places count where the "
            "kernel lies wholly on the image. Padding comes later in this chapter.",
            _same_size,
        ),
        "an output as large as the image": Mistake(
            "You filled an array of the image's size, so rows and columns of zeros are left at its end. The output is "
            "only as large as the number of places where the kernel fits.",
            _in_the_corner,
        ),
        "a mean instead of a sum": Mistake(
            "You take the mean of the products. A kernel's answer is their sum: if a mean is wanted, the weights say "
            "so themselves, as those of a blur do.",
            lambda image, kernel: _valid_correlation(image, kernel / kernel.size),
        ),
        "the kernel's height for both sides": Mistake(
            "You use the number of the kernel's rows for its columns as well, as if every kernel were square. Take both "
            "from its shape: k_h, k_w = kernel.shape.",
            _one_side(0),
        ),
        "the kernel's width for both sides": Mistake(
            "You use the number of the kernel's columns for its rows as well, as if every kernel were square. Take both "
            "from its shape: k_h, k_w = kernel.shape.",
            _one_side(1),
        ),
        "height and width are swapped": Mistake(
            "You take the width for the height. An array's shape is (rows, columns): H, W = image.shape, and k_h, k_w = "
            "kernel.shape.",
            lambda image, kernel: _looped(*image.shape[::-1], *kernel.shape[::-1], image, kernel),
        ),
        "a matrix product instead of products": Mistake(
            "The @ between window and kernel mixes rows with columns. Each pixel is multiplied by the one weight that "
            "lies on it, and nothing else.",
            _matrix_product,
        ),
        "a matrix product with the window turned": Mistake(
            "You turn the window so that it fits into a matrix product with the kernel. @ mixes rows with columns. Each pixel "
            "is multiplied by the one weight that lies on it: * does that.",
            lambda image, kernel: rounded(
                (sliding_window_view(image, kernel.shape).swapaxes(-1, -2) @ kernel).sum(axis=(2, 3))
            ),
        ),
    },
    hints=(
        "Start with one output number, at i = 0 and j = 0. Which pixels does the kernel cover there, and how many "
        "rows can it still move down?",
        "A kernel of k_h rows fits into H rows at H - k_h + 1 places. Loop over those, and the same for the columns, and "
        "cut the window out of the image with a slice.",
        "The window at (i, j) is image[i : i + k_h, j : j + k_w]. Multiply it by the kernel, element by element, and add "
        "everything up.",
    ),
)


# --- 03.edge_kernels ----------------------------------------------------------------------------------------

_SOBEL_X = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def _edge_cases(rng):
    yield Case("a small picture", picture=rng.integers(0, 10, (4, 5)).astype(float))
    yield Case("a larger one", picture=rng.random((12, 16)).round(2))


def _edge_oracle(picture):
    from scipy import ndimage

    changes = [ndimage.sobel(picture, axis, mode="constant")[1:-1, 1:-1] for axis in (1, 0)]
    return np.stack(changes)


def _edge_pair(gx, gy):
    return lambda: (np.array(gx, dtype=float), np.array(gy, dtype=float))


_PREWITT = np.outer([1, 1, 1], [-1, 0, 1])
_SCHARR = np.outer([3, 10, 3], [-1, 0, 1])
_PLAIN = np.outer([0, 1, 0], [-1, 0, 1])

EDGE_KERNELS = Exercise(
    id="03.edge_kernels",
    title="The Sobel pair",
    points=5,
    cases=_edge_cases,
    oracle=_edge_oracle,
    probe="kernel_pair",
    forbidden=LIBRARIES,
    misconceptions={
        "both signs are turned": Mistake(
            "Your kernels answer with a negative number where the picture gets brighter. That is their form for true "
            "convolution, which flips them. Here they are laid on the picture as they stand.",
            _edge_pair(-_SOBEL_X, -_SOBEL_X.T),
        ),
        "gx and gy are swapped": Mistake(
            "Your first kernel answers to change from top to bottom. gx should answer to change from left to right: "
            "its columns differ, not its rows.",
            _edge_pair(_SOBEL_X.T, _SOBEL_X),
        ),
        "gy points upwards": Mistake(
            "Your gy is positive where the picture gets brighter upwards, as the y axis of a graph points. Row numbers "
            "of an image grow downwards, and so does gy.",
            _edge_pair(_SOBEL_X, -_SOBEL_X.T),
        ),
        "gx points to the left": Mistake(
            "Your gx is positive where the picture gets darker to the right. Lay it on pixels 0 0 1 and work out the "
            "sum: it should be positive.",
            _edge_pair(-_SOBEL_X, _SOBEL_X.T),
        ),
        "all rows count the same": Mistake(
            "These are Prewitt's kernels, with weights 1 1 1 along the edge. Sobel's give the line through the middle "
            "twice the weight of its neighbors.",
            _edge_pair(_PREWITT, _PREWITT.T),
        ),
        "Scharr's weights": Mistake(
            "These are Scharr's kernels, with weights 3 10 3 along the edge. They are good ones, but Sobel's are asked "
            "for, whose weights are 1 2 1.",
            _edge_pair(_SCHARR, _SCHARR.T),
        ),
        "no smoothing along the edge": Mistake(
            "Only one line of your kernel is not zero, so it takes a difference but does not smooth. Sobel's kernel "
            "does both: each of its three lines takes the difference, with weights 1 2 1.",
            _edge_pair(_PLAIN, _PLAIN.T),
        ),
        "divided by 8": Mistake(
            "You divided the kernels by 8, as some libraries do to get a slope per pixel. Here the whole numbers 1 and "
            "2 are asked for.",
            _edge_pair(_SOBEL_X / 8, _SOBEL_X.T / 8),
        ),
        "one kernel twice": Mistake(
            "Your two kernels are the same. The second one should answer to change from top to bottom.",
            _edge_pair(_SOBEL_X, _SOBEL_X),
        ),
    },
    hints=(
        "Write gx first. One of its lines takes a difference: the pixel on the right minus the pixel on the left. "
        "Which three weights do that?",
        "Each of the three rows of gx is -1 0 1, multiplied by the row's own weight: 1, 2 and 1. The entries add up "
        "to zero.",
        "gx is the outer product of the column 1 2 1 and the row -1 0 1 (np.outer makes it). For gy, rows and columns "
        "change places.",
    ),
)


# --- 03.kernel_grad -----------------------------------------------------------------------------------------


def _kernel_grad_cases(rng):
    kernel = whole(rng, (2, 2), -1, 2)
    kernel[0, 1], kernel[1, 0] = kernel[1, 0] + 1, -1
    image = whole(rng, (3, 3), 0, 4) + np.array([[0.0, 0, 1], [2, 0, 0], [0, 3, 0]])
    yield Case("a 2 x 2 kernel, whole numbers", image=image, kernel=kernel, target=whole(rng, (2, 2), -4, 5))
    for label, size, shape in (
        ("a 3 x 3 kernel", (6, 8), (3, 3)),
        ("a wide kernel, 2 x 4", (7, 6), (2, 4)),
        ("a tall kernel, 4 x 1", (6, 5), (4, 1)),
    ):
        out = size[0] - shape[0] + 1, size[1] - shape[1] + 1
        yield Case(label, image=signed(rng, size), kernel=signed(rng, shape), target=signed(rng, out, 4.0))
    image, target = signed(rng, (5, 7), 250, 110), signed(rng, (4, 5), 900, 120)
    yield Case("numbers in the hundreds", image=image, kernel=signed(rng, (2, 3), 300, 120), target=target)
    image, kernel = signed(rng, (4, 5)), signed(rng, (2, 2))
    yield Case("already right", weight=0.5, image=image, kernel=kernel, target=_valid_correlation(image, kernel))


def _kernel_grad_oracle(image, kernel, target):
    image, kernel, target = (torch.tensor(np.asarray(a), dtype=torch.float64) for a in (image, kernel, target))
    kernel.requires_grad_()
    answer = torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]
    torch.nn.functional.mse_loss(answer, target).backward()
    return rounded(kernel.grad.numpy())


def _kernel_grad(
    make=lambda image, error, kernel: _valid_correlation(image, error), factor=lambda error: 2 / error.size
):
    """A mistake: other slopes of the sum of squares' half, made of the errors, or another factor."""

    def wrong(image, kernel, target):
        error = sliding_window_view(image, kernel.shape)
        error = np.einsum("ijuv,uv->ij", error, kernel) - target
        return rounded(factor(error) * make(image, error, kernel))

    return wrong


KERNEL_GRAD = Exercise(
    id="03.kernel_grad",
    title="How a kernel learns: its gradient",
    points=9,
    cases=_kernel_grad_cases,
    oracle=_kernel_grad_oracle,
    forbidden=("numpy.convolve", "numpy.correlate", *LIBRARIES),
    misconceptions={
        "the gradient is flipped": Mistake(
            "Your numbers stand upside down and back to front: that is convolution with the error, not cross-correlation. The "
            "slope for K[u, v] sums error[i, j] times image[i + u, j + v].",
            _kernel_grad(lambda image, error, kernel: _valid_correlation(image, error)[::-1, ::-1]),
        ),
        "the sign is turned": Mistake(
            "All your slopes have the wrong sign. The error is what the kernel answers minus what is wanted; where it is "
            "positive, more weight on a bright pixel makes it worse.",
            _kernel_grad(factor=lambda error: -2 / error.size),
        ),
        "the factor 2 is missing": Mistake(
            "Your slopes are half as large as they should be. The loss is a mean of squares, and the slope of e² is 2e.",
            _kernel_grad(factor=lambda error: 1 / error.size),
        ),
        "the sum instead of the mean": Mistake(
            "Your slopes belong to the sum of the squares. The loss is their mean over all outputs, which divides every slope "
            "by the number of outputs.",
            _kernel_grad(factor=lambda error: 2.0),
        ),
        "divided by the pixels of the image": Mistake(
            "You divide by the number of pixels of the image. The mean runs over the outputs, and there are fewer of them.",
            lambda image, kernel, target: rounded(
                _kernel_grad(factor=lambda error: 2.0)(image, kernel, target) / image.size
            ),
        ),
        "divided by the weights of the kernel": Mistake(
            "You divide by the number of weights. The loss is a mean over the outputs, so that is what divides it.",
            lambda image, kernel, target: rounded(
                _kernel_grad(factor=lambda error: 2.0)(image, kernel, target) / kernel.size
            ),
        ),
        "the target instead of the error": Mistake(
            "You slide the target over the image. It is the error that has to be slid over it: what the kernel answers now, "
            "minus the target.",
            lambda image, kernel, target: rounded(-2 / target.size * _valid_correlation(image, target)),
        ),
        "the answer instead of the error": Mistake(
            "You slide the kernel's present answer over the image, and the target is not used. The error is the answer minus "
            "the target.",
            lambda image, kernel, target: _kernel_grad()(image, kernel, np.zeros_like(target)),
        ),
        "the same slope for every weight": Mistake(
            "All your slopes are equal: the errors are added up without the pixels. Each weight has met pixels of its own, and "
            "its slope sums error times pixel.",
            _kernel_grad(lambda image, error, kernel: np.full(kernel.shape, error.sum())),
        ),
    },
    hints=(
        "Three steps: what the kernel answers now (your correlate2d), the error at each place, and then one slope for each "
        "weight.",
        "Look at a single weight, K[u, v]. At place (i, j) it is multiplied by image[i + u, j + v]. So its slope sums, over "
        "all places, 2 * error[i, j] * image[i + u, j + v], divided by the number of places.",
        "That sum is a cross-correlation again, of the image with the error: 2 / error.size * correlate2d(image, error). "
        "It has the shape of the kernel by itself.",
    ),
)


# --- 03.output_size -----------------------------------------------------------------------------------------


def _output_size_oracle(n, kernel, stride=1, padding=0):
    row, weights = torch.zeros(1, 1, n), torch.zeros(1, 1, kernel)
    return torch.nn.functional.conv1d(row, weights, stride=stride, padding=padding).shape[-1]


def _output_size_cases(rng):
    def row(kernel, stride, padding, places, left):
        n = kernel + stride * places + left - 2 * padding
        return {"n": int(n), "kernel": int(kernel), "stride": int(stride), "padding": int(padding)}

    first = row(3, 1, 0, rng.integers(3, 9), 0)
    yield Case("kernel 3, nothing else", n=first["n"], kernel=3)
    yield Case("padding, stride 1", **row(rng.integers(2, 6), 1, rng.integers(1, 4), rng.integers(7, 15), 0))
    yield Case("stride 2, padding 1, all pixels used", **row(rng.integers(2, 7), 2, 1, rng.integers(4, 12), 0))
    yield Case("stride 4, one pixel left over", **row(rng.integers(3, 8), 4, 0, rng.integers(4, 12), 1))
    yield Case("stride 7, padding 9, a large kernel", **row(rng.integers(8, 12), 7, 9, rng.integers(4, 12), 5))
    yield Case("stride 3, padding 2, one pixel left over", **row(rng.integers(4, 8), 3, 2, rng.integers(5, 12), 1))
    size = int(rng.integers(3, 9))
    yield Case("a kernel as long as the row", n=size, kernel=size, stride=int(rng.integers(2, 4)), padding=0)


OUTPUT_SIZE = Exercise(
    id="03.output_size",
    title="How many places a kernel has",
    points=8,
    cases=_output_size_cases,
    oracle=_output_size_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "padding on one side only": Mistake(
            "You added the padding once. It is put on both sides of the row: before the first pixel and after the last.",
            lambda n, kernel, stride=1, padding=0: (n + padding - kernel) // stride + 1,
        ),
        "padding forgotten": Mistake(
            "The padding does not enter your result. It makes the row longer before the kernel is laid on it.",
            lambda n, kernel, stride=1, padding=0: (n - kernel) // stride + 1,
        ),
        "the first place is not counted": Mistake(
            "You counted the steps, not the places. A kernel that cannot move at all still has the one place where it "
            "lies.",
            lambda n, kernel, stride=1, padding=0: (n + 2 * padding - kernel) // stride,
        ),
        "rounded up": Mistake(
            "You rounded up, so the last window hangs over the end of the row. A step that does not fit whole is not "
            "taken.",
            lambda n, kernel, stride=1, padding=0: math.ceil((n + 2 * padding - kernel) / stride) + 1,
        ),
        "rounded to the nearest": Mistake(
            "round() rounds up where more than half a step is left. A step that does not fit whole is not taken, "
            "however little is missing.",
            lambda n, kernel, stride=1, padding=0: round((n + 2 * padding - kernel) / stride) + 1,
        ),
        "not rounded at all": Mistake(
            "Your result is not always a whole number. There is no half place: look at which of Python's two division "
            "signs you used.",
            lambda n, kernel, stride=1, padding=0: (n + 2 * padding - kernel) / stride + 1,
        ),
        "one added before the division": Mistake(
            "Your + 1 stands inside the division. Divide first to count the steps, then add the place where the kernel "
            "starts.",
            lambda n, kernel, stride=1, padding=0: (n + 2 * padding - kernel + 1) // stride,
        ),
        "brackets are missing": Mistake(
            "Python divides before it subtracts, so only the kernel's size was divided by the stride. The whole "
            "distance that the kernel can move has to be divided.",
            lambda n, kernel, stride=1, padding=0: n + 2 * padding - kernel // stride + 1,
        ),
        "stride forgotten": Mistake(
            "The stride does not enter your result. The kernel moves that many pixels at each step, so there are fewer "
            "steps.",
            lambda n, kernel, stride=1, padding=0: n + 2 * padding - kernel + 1,
        ),
    },
    hints=(
        "Lay the kernel at the left end. How many pixels further can it still move to the right?",
        "With padding the row has n + 2 * padding pixels, so the kernel can move n + 2 * padding - kernel pixels. "
        "How many steps of `stride` pixels fit into that?",
        "Divide that distance by the stride, rounding down (//), and add 1 for the place where the kernel starts.",
    ),
)


# --- 03.pad -------------------------------------------------------------------------------------------------


def _pad_oracle(x, p):
    return torch.nn.functional.pad(torch.from_numpy(x), (p, p, p, p)).numpy()


def _pad_cases(rng):
    yield Case("one small picture, p = 1", x=whole(rng, (1, 1, 2, 3), 1, 9), p=1)
    yield Case("a batch with channels, p = 2", x=signed(rng, (3, 4, 5, 6), 900, 120), p=2)
    yield Case("tall pictures, p = 7", x=signed(rng, (4, 2, 5, 1), digits=3), p=7)
    yield Case("p = 0", x=signed(rng, (2, 4, 3, 2)), p=0)


def _padded(x, *widths, **how):
    return np.pad(x, widths, **how)


def _empty_slice(x, p):
    images, channels, height, width = x.shape
    out = np.zeros((images, channels, height + 2 * p, width + 2 * p))
    out[:, :, p:-p, p:-p] = x
    return out


PAD = Exercise(
    id="03.pad",
    title="A border of zeros",
    points=8,
    cases=_pad_cases,
    oracle=_pad_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "all four axes are padded": Mistake(
            "Your batch and channel axes have grown too: there are now pictures and channels made of zeros. A single "
            "number as np.pad's width goes to every axis. Only height and width get a border.",
            lambda x, p: _padded(x, *[(p, p)] * 4),
        ),
        "the channels are padded too": Mistake(
            "You added channels made of zeros. A border lies around each channel, in height and width.",
            lambda x, p: _padded(x, (0, 0), (p, p), (p, p), (p, p)),
        ),
        "batch and channels are padded": Mistake(
            "You padded the first two axes, which count pictures and channels. Height and width are the last two.",
            lambda x, p: _padded(x, (p, p), (p, p), (0, 0), (0, 0)),
        ),
        "only above and to the left": Mistake(
            "Your zeros stand only before the picture, above it and to its left. A border runs around all four sides.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (p, 0), (p, 0)),
        ),
        "only below and to the right": Mistake(
            "Your zeros stand only after the picture, below it and to its right. A border runs around all four sides.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (0, p), (0, p)),
        ),
        "only above and below": Mistake(
            "Your pictures have grown in height but not in width. A border runs around all four sides.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (p, p), (0, 0)),
        ),
        "only left and right": Mistake(
            "Your pictures have grown in width but not in height. A border runs around all four sides.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (0, 0), (p, p)),
        ),
        "the edge is repeated": Mistake(
            "Your border repeats the outermost pixels. That is a padding one can choose, but here it is made of zeros.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (p, p), (p, p), mode="edge"),
        ),
        "a border of ones": Mistake(
            "Your border is made of ones. A one is white, not nothing: it would add each weight it meets to the sum.",
            lambda x, p: _padded(x, (0, 0), (0, 0), (p, p), (p, p), constant_values=1.0),
        ),
        "an empty slice where p is 0": Mistake(
            "With p = 0 your slice p:-p becomes 0:0, which is empty, because -0 is 0. Write the end of the slice so "
            "that it also holds for 0.",
            _empty_slice,
        ),
    },
    hints=(
        "What shape should the result have? Two of the four axes stay as they are.",
        "Either make an array of zeros of that shape and put x in its middle, or use np.pad with a pair of widths for "
        "each axis.",
        "np.pad takes ((before, after), ...), one pair for each axis: (0, 0) for an axis that stays. If you write "
        "slices instead, use p : p + H rather than p : -p.",
    ),
)


# --- 03.conv2d ----------------------------------------------------------------------------------------------


def _conv2d_oracle(x, w, b, stride=1, padding=0):
    answer = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w, b)), stride=stride, padding=padding)
    return rounded(answer.numpy())


def _conv(x, w, b, stride=1, padding=0, value=0.0):
    return rounded(convolution(x, w, b, stride, padding, value))


def _conv2d_cases(rng):
    def layer(images, channels, height, width, filters, kh, kw, large=""):
        shapes = {"x": (images, channels, height, width), "w": (filters, channels, kh, kw), "b": filters}
        return {
            name: signed(rng, shape, *((900, 120) if name == large else (2.0, 0.1))) for name, shape in shapes.items()
        }

    kernel = whole(rng, (1, 1, 2, 2), -2, 3)
    kernel[0, 0, 0, 1] = kernel[0, 0, 1, 0] + 1
    yield Case(
        "one channel, one filter, whole numbers",
        x=whole(rng, (1, 1, 3, 4), 0, 5),
        w=kernel,
        b=whole(rng, 1, 1, 4),
    )
    yield Case("three channels, two filters, bright pixels", **layer(1, 3, 5, 4, 2, 3, 3, "x"), stride=1, padding=0)
    yield Case("a batch of three, kernel 3 x 2", **layer(3, 2, 6, 8, 4, 3, 2), stride=1, padding=0)
    yield Case("stride 2, pixels left over", **layer(2, 3, 8, 10, 5, 3, 3), stride=2, padding=0)
    yield Case("padding 1, large biases", **layer(2, 3, 4, 6, 5, 3, 3, "b"), stride=1, padding=1)
    yield Case("stride 6, padding 7, kernel 4 x 5", **layer(2, 2, 8, 17, 3, 4, 5), stride=6, padding=7)
    yield Case("a 1 x 1 kernel of large weights", **layer(2, 5, 3, 4, 6, 1, 1, "w"), stride=1, padding=0)


def _sizes(x, w, stride, padding):
    return tuple(output_size(n, k, stride, padding) for n, k in zip(x.shape[2:], w.shape[2:], strict=True))


def _conv_from_wrong_pixels(x, w, b, stride, padding, down, right):
    """An output of the right size whose windows start at the wrong pixels."""
    rows, columns = _sizes(x, w, stride, padding)
    windows = windows_of(x, *w.shape[2:], 1, padding)[:, :, ::down, ::right][:, :, :rows, :columns]
    return rounded(np.einsum("ncijuv,fcuv->nfij", windows, w) + b[:, None, None])


def _bias_along_width(x, w, b, stride=1, padding=0):
    return rounded(_conv(x, w, 0 * b, stride, padding) + b)


def _first_image_only(x, w, b, stride=1, padding=0):
    out = _conv(x, w, b, stride, padding)
    out[1:] = 0
    return out


def _kernel_transposed(x, w, b, stride=1, padding=0):
    windows = windows_of(x, *w.shape[2:], stride, padding)
    return rounded((windows[:, None] * w.transpose(0, 1, 3, 2)[:, :, None, None]).sum((2, 5, 6)) + b[:, None, None])


def _beyond_the_border(x, w, b, stride=1, padding=0):
    rows, columns = _sizes(x, w, stride, 2 * padding)
    k_h, k_w = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((len(x), len(w), rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = padded[:, None, :, i * stride : i * stride + k_h, j * stride : j * stride + k_w]
        out[:, :, i, j] = (window * w).sum(axis=(2, 3, 4)) + b
    return rounded(out)


def _one_sided(x, w, b, stride=1, padding=0):
    padded = np.pad(x, ((0, 0), (0, 0), (0, padding), (0, padding)))
    return _conv(padded, w, b, stride, 0)


def _one_size(x, w, b, stride=1, padding=0):
    """As many columns as there are rows; a window beyond the border does not match its kernel."""
    rows, _ = _sizes(x, w, stride, padding)
    k_h, k_w = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((len(x), len(w), rows, rows))
    for i, j in np.ndindex(rows, rows):
        window = padded[:, None, :, i * stride : i * stride + k_h, j * stride : j * stride + k_w]
        out[:, :, i, j] = (window * w).sum(axis=(2, 3, 4)) + b
    return rounded(out)


CONV2D = Exercise(
    id="03.conv2d",
    title="A whole convolution layer",
    points=18,
    cases=_conv2d_cases,
    oracle=_conv2d_oracle,
    forbidden=("numpy.convolve", "numpy.correlate", *LIBRARIES),
    misconceptions={
        "the kernel is flipped": Mistake(
            "Your kernels are turned by 180 degrees: that is true convolution. A convolution layer computes the "
            "cross-correlation: w[f, c, u, v] meets the pixel u rows down and v columns to the right.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w[:, :, ::-1, ::-1], b, stride, padding),
        ),
        "rows and columns of the kernel are swapped": Mistake(
            "Your kernels are transposed: u moves along the columns and v along the rows. Height comes before width, "
            "in the picture and in the kernel.",
            _kernel_transposed,
        ),
        "the channels are averaged": Mistake(
            "You take the mean over the channels. A filter adds its channels up: how much each one counts is what "
            "its weights are for.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w / x.shape[1], b, stride, padding),
        ),
        "only the first channel": Mistake(
            "Your filters look at channel 0 only. Each filter has one slice for each channel, and all the products "
            "go into one sum.",
            lambda x, w, b, stride=1, padding=0: _conv(x[:, :1], w[:, :1], b, stride, padding),
        ),
        "the bias is forgotten": Mistake(
            "Your numbers are off by one and the same number for each filter: its bias is not added.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, 0 * b, stride, padding),
        ),
        "the bias is added once per channel": Mistake(
            "You add the bias inside the loop over channels, so it counts C times. A filter has one bias, added once "
            "to the finished sum.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, x.shape[1] * b, stride, padding),
        ),
        "the bias is added to every product": Mistake(
            "You add the bias before the products are summed, so it counts as often as the kernel has weights. A "
            "filter has one bias, added once to the finished sum.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, w[0].size * b, stride, padding),
        ),
        "the bias runs along the width": Mistake(
            "b has shape (F,), and NumPy lines up the last axes, so b was laid along the columns of the output. It "
            "belongs to the filters, which are axis 1.",
            _bias_along_width,
        ),
        "the windows ignore the stride": Mistake(
            "Your output has the right size, but its windows start at i and j. With a stride each step moves the "
            "window on by that many pixels.",
            lambda x, w, b, stride=1, padding=0: _conv_from_wrong_pixels(x, w, b, stride, padding, 1, 1),
        ),
        "the stride is ignored along the width": Mistake(
            "Your windows move down by the stride, but to the right by one pixel. The stride holds on both axes.",
            lambda x, w, b, stride=1, padding=0: _conv_from_wrong_pixels(x, w, b, stride, padding, stride, 1),
        ),
        "the stride is ignored along the height": Mistake(
            "Your windows move to the right by the stride, but down by one pixel. The stride holds on both axes.",
            lambda x, w, b, stride=1, padding=0: _conv_from_wrong_pixels(x, w, b, stride, padding, 1, stride),
        ),
        "the stride is not used at all": Mistake(
            "Your output is as large as with stride 1. The stride decides how many windows there are, and where each "
            "of them starts.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, 1, padding),
        ),
        "one output size for both axes": Mistake(
            "Your output has as many columns as rows. Height and width may differ, in the picture and in the kernel: work out "
            "the number of places along each axis by itself.",
            _one_size,
        ),
        "padded with ones": Mistake(
            "Your border is made of ones, so every weight that meets the border is added. Padding is made of zeros, "
            "which add nothing.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, stride, padding, value=1.0),
        ),
        "the padding is not used": Mistake(
            "Your output is as large as without padding. The border of zeros is put around each picture before the "
            "first window is cut out.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, stride, 0),
        ),
        "padded on one side only": Mistake(
            "Your zeros stand only below and to the right of the picture. The border runs around all four sides.",
            _one_sided,
        ),
        "windows beyond the border": Mistake(
            "Where there is padding, you ask for windows that the picture does not have: its size and the number of "
            "windows do not belong together. Either the border is not there yet, or it counts twice: of a picture that "
            "has its border already, the output size is that for padding 0.",
            _beyond_the_border,
        ),
        "only the first picture": Mistake(
            "The first picture of the batch is right, and the others are all zero. Look at where n goes in your loops.",
            _first_image_only,
        ),
        "pictures and filters are swapped": Mistake(
            "Your numbers are right, but the first two axes have changed places. The batch stays first, and the filters "
            "take the place of the channels.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, stride, padding).swapaxes(0, 1).copy(),
        ),
    },
    hints=(
        "You have all the parts: pad, output_size, and the sum of products from correlate2d. Here a window also has "
        "channels: it is a small block of shape (C, k_h, k_w), just as one filter is.",
        "Pad first. Make an array of zeros of shape (N, F, OH, OW). Then four loops, over n, f, i and j, fill in one "
        "number each.",
        "With top = i * stride and left = j * stride, the block is padded[n, :, top : top + k_h, left : left + k_w]. "
        "Multiply it by w[f], add everything up, and add b[f] once.",
    ),
)


# --- 03.im2col ----------------------------------------------------------------------------------------------


def _im2col_oracle(x, kh, kw, stride=1, padding=0):
    blocks = torch.nn.functional.unfold(torch.from_numpy(x), (kh, kw), stride=stride, padding=padding)
    return blocks.transpose(1, 2).reshape(-1, blocks.shape[1]).numpy().copy()


def _im2col_cases(rng):
    first = np.arange(1.0, 13.0).reshape(1, 1, 3, 4) + float(rng.integers(0, 5))
    yield Case("one channel", x=first, kh=2, kw=2)
    yield Case("two channels, kernel 2 x 3", x=whole(rng, (1, 2, 3, 4), 1, 30), kh=2, kw=3, stride=1, padding=0)
    large = signed(rng, (3, 2, 4, 5), 900, 120)
    yield Case("a batch of three, kernel 3 x 2", x=large, kh=3, kw=2, stride=1, padding=0)
    yield Case("stride 2", x=signed(rng, (2, 3, 7, 9), digits=3), kh=3, kw=2, stride=2, padding=0)
    yield Case("padding 1", x=signed(rng, (2, 2, 3, 5)), kh=2, kw=3, stride=1, padding=1)
    yield Case("stride 6, padding 7, kernel 7 x 6", x=signed(rng, (2, 3, 5, 9)), kh=7, kw=6, stride=6, padding=7)


def _im2col(x, kh, kw, stride=1, padding=0, order="nijcuv"):
    windows = windows_of(x, kh, kw, stride, padding)
    images, channels, rows, columns = windows.shape[:4]
    moved = windows.transpose(["ncijuv".index(axis) for axis in order])
    return np.ascontiguousarray(moved).reshape(images * rows * columns, channels * kh * kw)


def _im2col_in_order(order):
    return lambda x, kh, kw, stride=1, padding=0: _im2col(x, kh, kw, stride, padding, order)


def _three_axes(x, kh, kw, stride=1, padding=0):
    flat = _im2col(x, kh, kw, stride, padding)
    return flat.reshape(len(x), -1, flat.shape[1])


IM2COL = Exercise(
    id="03.im2col",
    title="Each window becomes a row",
    points=12,
    cases=_im2col_cases,
    oracle=_im2col_oracle,
    forbidden=(*LIBRARIES, "sklearn.feature_extraction.*"),
    misconceptions={
        "reshaped without moving the axes": Mistake(
            "The shape is right, but the numbers of several windows are mixed in a row. sliding_window_view puts the "
            "channels before i and j, and reshape only reads on in the order in which the axes stand. Move the "
            "channels first.",
            _im2col_in_order("ncijuv"),
        ),
        "offsets before channels": Mistake(
            "Each row holds the right numbers in another order: pixel by pixel, each with all its channels. The order "
            "here is channel by channel, as in w.reshape(F, -1).",
            _im2col_in_order("nijuvc"),
        ),
        "columns of a window before its rows": Mistake(
            "You read each window column by column (v before u). Read it like a page: row by row, from left to right.",
            _im2col_in_order("nijcvu"),
        ),
        "windows go down before they go right": Mistake(
            "Your rows are right but in another order: the window moves down first (i runs faster than j). It should "
            "move to the right first.",
            _im2col_in_order("njicuv"),
        ),
        "places before pictures": Mistake(
            "Your rows are right but in another order: all pictures at one place, then the next place. All the windows "
            "of the first picture come first.",
            _im2col_in_order("ijncuv"),
        ),
        "the matrix is transposed": Mistake(
            "Your windows stand in columns. Many texts write it so, and the name comes from it; here each window is a "
            "row.",
            lambda x, kh, kw, stride=1, padding=0: _im2col(x, kh, kw, stride, padding).T.copy(),
        ),
        "the windows are not flattened": Mistake(
            "Each of your rows is still a block of shape (C, k_h, k_w). A row of the matrix holds all its numbers one "
            "after the other: reshape it to one axis.",
            lambda x, kh, kw, stride=1, padding=0: _im2col(x, kh, kw, stride, padding).reshape(-1, x.shape[1], kh, kw),
        ),
        "a row for each channel": Mistake(
            "You have one row for each channel of each window. A row should hold the whole window, all its channels "
            "side by side, because one filter looks at all of them.",
            lambda x, kh, kw, stride=1, padding=0: windows_of(x, kh, kw, stride, padding).reshape(-1, kh * kw).copy(),
        ),
        "the pictures have an axis of their own": Mistake(
            "Your result has three axes, the first of them for the pictures. All pictures' windows go into one matrix, "
            "one after the other.",
            _three_axes,
        ),
        "the stride is ignored": Mistake(
            "You cut out a window at every pixel. With a stride the windows start only at every so many pixels, on both "
            "axes.",
            lambda x, kh, kw, stride=1, padding=0: _im2col(x, kh, kw, 1, padding),
        ),
        "the padding is ignored": Mistake(
            "Your windows are those of the picture without its border. Pad first, then cut.",
            lambda x, kh, kw, stride=1, padding=0: _im2col(x, kh, kw, stride, 0),
        ),
        "the windows are flipped": Mistake(
            "Each window is read backwards, from its last pixel to its first. There is no flip here: read it like a "
            "page.",
            lambda x, kh, kw, stride=1, padding=0: (
                _im2col(x, kh, kw, stride, padding)
                .reshape(-1, x.shape[1], kh * kw)[:, :, ::-1]
                .reshape(-1, x.shape[1] * kh * kw)
            ),
        ),
    },
    hints=(
        "Take one window of one picture: a block of shape (C, k_h, k_w). What does block.reshape(-1) give, and in which "
        "order?",
        "Loop over n, then i, then j, append each window's flat block to a list, and make an array of the list at the "
        "end. That is right already; a faster way may come later.",
        "Pad x first. With top = i * stride and left = j * stride, row (n, i, j) is "
        "padded[n, :, top : top + kh, left : left + kw].reshape(-1).",
    ),
)


# --- 03.conv2d_im2col ---------------------------------------------------------------------------------------


def _product(x, w, b, stride, padding, matrix=None):
    """(N * OH * OW, F)."""
    matrix = w.reshape(len(w), -1).T if matrix is None else matrix
    return rounded(_im2col(x, *w.shape[2:], stride, padding) @ matrix + b)


def _folded(product, x, w, stride, padding):
    return product.reshape(len(x), *_sizes(x, w, stride, padding), len(w)).transpose(0, 3, 1, 2).copy()


def _straight_reshape(x, w, b, stride=1, padding=0):
    return _product(x, w, b, stride, padding).reshape(len(x), len(w), *_sizes(x, w, stride, padding))


def _channels_last(x, w, b, stride=1, padding=0):
    return _product(x, w, b, stride, padding).reshape(len(x), *_sizes(x, w, stride, padding), len(w))


def _flat_places(x, w, b, stride=1, padding=0):
    return _channels_last(x, w, b, stride, padding).reshape(len(x), -1, len(w)).transpose(0, 2, 1).copy()


def _with_matrix(make):
    def wrong(x, w, b, stride=1, padding=0):
        return _folded(_product(x, w, b, stride, padding, make(w)), x, w, stride, padding)

    return wrong


def _rows_and_columns_swapped(x, w, b, stride=1, padding=0):
    rows, columns = _sizes(x, w, stride, padding)
    product = _product(x, w, b, stride, padding)
    return product.reshape(len(x), columns, rows, len(w)).transpose(0, 3, 2, 1).copy()


def _pictures_inside(x, w, b, stride=1, padding=0):
    product = _product(x, w, b, stride, padding).T
    return product.reshape(len(x), len(w), *_sizes(x, w, stride, padding)).copy()


CONV2D_IM2COL = Exercise(
    id="03.conv2d_im2col",
    title="A convolution layer as one matrix product",
    points=8,
    cases=_conv2d_cases,
    oracle=_conv2d_oracle,
    forbidden=("numpy.convolve", "numpy.correlate", *LIBRARIES, "sklearn.feature_extraction.*"),
    misconceptions={
        "folded back without moving the filters": Mistake(
            "The product has one column for each filter, so the filters come last. reshape only reads on in the order "
            "of memory: straight to (N, F, OH, OW), it mixes filters with places. Fold first, then move an axis.",
            _straight_reshape,
        ),
        "transposed, then folded": Mistake(
            "After the transpose the filters come before the pictures, but you folded as if the pictures came first. "
            "With one picture that is right; with more it mixes them.",
            _pictures_inside,
        ),
        "the filters stay last": Mistake(
            "Your result has shape (N, OH, OW, F). The course keeps its channels, and so its filters, on axis 1.",
            _channels_last,
        ),
        "the places are not folded": Mistake(
            "Your result has shape (N, F, OH * OW). The last axis is still a list of places: fold it into rows and "
            "columns.",
            _flat_places,
        ),
        "rows and columns are swapped": Mistake(
            "You folded the places as if the window moved down first. In im2col j runs faster than i.",
            _rows_and_columns_swapped,
        ),
        "the filters are reshaped, not transposed": Mistake(
            "w.reshape(-1, F) has the right shape, but it cuts the filters into pieces. Make each filter a row of "
            "C * k_h * k_w numbers, then transpose.",
            _with_matrix(lambda w: w.reshape(-1, len(w))),
        ),
        "the filters' weights are in another order": Mistake(
            "Your filters are flattened pixel by pixel, the rows of im2col channel by channel. Both have to go through "
            "c, u, v in the same order.",
            _with_matrix(lambda w: w.transpose(0, 2, 3, 1).reshape(len(w), -1).T),
        ),
        "the filters are flipped": Mistake(
            "Your filters are turned by 180 degrees: that is true convolution. There is no flip in a convolution layer.",
            _with_matrix(lambda w: w[:, :, ::-1, ::-1].reshape(len(w), -1).T),
        ),
        "the bias is forgotten": Mistake(
            "Your numbers are off by one and the same number for each filter: its bias is not added.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, 0 * b, stride, padding),
        ),
        "the bias runs along the width": Mistake(
            "b has shape (F,), and NumPy lines up the last axes. After the filters have moved to axis 1, b lies along "
            "the columns of the output. Add it earlier, or give it two more axes.",
            _bias_along_width,
        ),
        "the stride is not used": Mistake(
            "Your output is as large as with stride 1. Hand the stride on to im2col, and to the output size.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, 1, padding),
        ),
        "the padding is not used": Mistake(
            "Your output is as large as without padding. Hand the padding on to im2col, and to the output size.",
            lambda x, w, b, stride=1, padding=0: _conv(x, w, b, stride, 0),
        ),
    },
    hints=(
        "Write down the shapes: im2col gives (N*OH*OW, C*k_h*k_w). What shape must the filters have so that the product "
        "has one column for each filter?",
        "w.reshape(F, -1) makes each filter a row; its transpose fits on the right of the product. The product has "
        "shape (N*OH*OW, F), and b can be added to it as it is.",
        "Fold the product to (N, OH, OW, F), in the order in which its rows were made, and only then move the last "
        "axis to place 1 with transpose(0, 3, 1, 2).",
    ),
)


# --- 03.separable -------------------------------------------------------------------------------------------


def _separable_oracle(kernel):
    return kernel.copy() if np.linalg.matrix_rank(kernel, rtol=1e-6) == 1 else None


def _separable_cases(rng):
    yield Case("whole numbers", kernel=np.outer(whole(rng, 3, 1, 4), whole(rng, 3, 2, 6) * [1, -1, 1]))
    column, row = signed(rng, 3), signed(rng, 4)
    column[0] = row[0] = 0.0
    yield Case("first row and first column zero", kernel=np.outer(column, row))
    yield Case("5 x 3, real numbers", kernel=np.outer(signed(rng, 5), signed(rng, 3) / 7))
    yield Case("3 x 4, real numbers", kernel=np.outer(signed(rng, 3) / 3, signed(rng, 4)))
    # Its second singular value is all rounding, and not near 0.
    yield Case("5 x 4, huge", weight=0.5, kernel=1e13 * np.outer(rng.normal(size=5), rng.normal(size=4)))
    middle = float(rng.integers(4, 7))
    # Returning None always should earn little.
    less = 0.4
    yield Case(
        "a sharpening kernel",
        weight=less,
        kernel=np.array([[0, -1, 0], [-1, middle, -1], [0, -1, 0]], dtype=float),
    )
    # Two pairs of orthogonal directions: the second singular value is 0.4 of the first.
    u, _ = np.linalg.qr(rng.normal(size=(4, 2)))
    v, _ = np.linalg.qr(rng.normal(size=(3, 2)))
    yield Case(
        "4 x 3, a sum of two, tiny",  # what is near zero is judged by the kernel's own size
        weight=less,
        kernel=(3 * np.outer(u[:, 0], v[:, 0]) + 1.2 * np.outer(u[:, 1], v[:, 1])).round(3) * 5e-10,
    )
    top = signed(rng, 3)
    last = np.array([top[1], -top[0], 0.0])
    last *= np.linalg.norm(top) / np.linalg.norm(last)
    yield Case("two rows alike, the third not", weight=less, kernel=np.array([top, -2 * top, last.round(3)]))


def _leading(kernel):
    """The best pair by singular values, with its sign and last digits fixed."""
    u, s, vt = np.linalg.svd(kernel)
    sign = np.sign(u[np.argmax(np.abs(u[:, 0])), 0])
    return rounded(u[:, 0] * sign), float(np.round(s[0], 10)), rounded(vt[0] * sign)


def _is_separable(kernel):
    return np.linalg.matrix_rank(kernel, rtol=1e-6) == 1


def _pair(make):
    return lambda kernel: make(kernel) if _is_separable(kernel) else None


def _never_none(kernel):
    column, strength, row = _leading(kernel)
    return column * strength, row


def _corner_factors(kernel):
    if kernel[0, 0] == 0:
        return None
    return kernel[:, 0].copy(), kernel[0] / kernel[0, 0]


def _two_rows_only(kernel):
    if np.linalg.matrix_rank(kernel[:2], rtol=1e-6) > 1:
        return None
    return _never_none(kernel)


def _exact_rank(kernel):
    """What ``s[1] == 0`` finds: true for none but whole numbers (made to be so, on every machine)."""
    if not _is_separable(kernel) or not np.array_equal(kernel, np.round(kernel)):
        return None
    return _never_none(kernel)


def _by_absolute_size(kernel):
    """What ``s[1] > 1e-8`` finds: noise where numbers are huge, and nothing where they are tiny."""
    largest = np.abs(kernel).max()
    if largest > 1e9 or (largest > 1e-6 and not _is_separable(kernel)):
        return None
    return _never_none(kernel)


def _divided_by_the_corner(kernel):
    with np.errstate(all="ignore"):
        return kernel[:, 0].copy(), kernel[0] / kernel[0, 0]


SEPARABLE = Exercise(
    id="03.separable",
    title="Take a kernel apart (stretch)",
    points=7,
    cases=_separable_cases,
    oracle=_separable_oracle,
    probe="outer_product",
    forbidden=LIBRARIES,
    rtol=1e-4,
    misconceptions={
        "a pair for every kernel": Mistake(
            "You return a pair for a kernel of rank 2 as well. It is the nearest pair, but its outer product is another "
            "kernel. Say None where the kernel cannot be taken apart.",
            _never_none,
        ),
        "only two rows are compared": Mistake(
            "Two rows of this kernel are multiples of one another, but the third is not. All rows have to be multiples "
            "of one and the same row.",
            _two_rows_only,
        ),
        "zero is taken too literally": Mistake(
            "You return None for kernels that are outer products. In floating point the numbers that should vanish "
            "come out near 1e-17: compare with a tolerance relative to the largest.",
            _exact_rank,
        ),
        "the corner is taken as pivot": Mistake(
            "You start from the entry in the corner, and it can be zero while the kernel still has rank 1. Choose a row "
            "and a column that cannot be zero.",
            _corner_factors,
        ),
        "divided by a corner of zero": Mistake(
            "You divide by the entry in the corner, and it can be zero while the kernel still has rank 1. Choose a row "
            "and a column that cannot be zero.",
            _pair(_divided_by_the_corner),
        ),
        "a tolerance that knows no size": Mistake(
            "You compare with a fixed number, the second singular value perhaps. In a kernel of huge numbers rounding alone is "
            "larger than that, and in one of tiny numbers everything is smaller. Compare it with the first, s[1] / s[0]. "
            "(np.allclose has such a fixed number, too: its atol.)",
            _by_absolute_size,
        ),
        "row and column not divided": Mistake(
            "The product of a column and a row of the kernel counts the entry where they cross once too often. One of "
            "the two has to be divided by it.",
            _pair(lambda kernel: (kernel[:, 1].copy(), kernel[1].copy())),
        ),
        "the singular value is forgotten": Mistake(
            "Your factors have length 1, as the singular value decomposition gives them, so their product is too small "
            "or too large by the singular value. One of the factors has to take it.",
            _pair(lambda kernel: (_leading(kernel)[0], _leading(kernel)[2])),
        ),
        "the singular value counts twice": Mistake(
            "Both of your factors are multiplied by the singular value, so it enters the product squared. It may enter "
            "once: in one factor, or as its square root in both.",
            _pair(
                lambda kernel: (
                    _leading(kernel)[0] * _leading(kernel)[1],
                    _leading(kernel)[2] * _leading(kernel)[1],
                )
            ),
        ),
        "column and row are swapped": Mistake(
            "You return the row first. np.outer(column, row) then makes the transposed kernel.",
            _pair(lambda kernel: (_leading(kernel)[2], _leading(kernel)[0] * _leading(kernel)[1])),
        ),
    },
    hints=(
        "In an outer product every row is a multiple of one and the same row. What does that make of the matrix's "
        "rank?",
        "np.linalg.svd(kernel) returns u, s, vt, with s sorted from large to small. The kernel is an outer product "
        "where all of s but the first is nothing to speak of: compare s[1] with s[0].",
        "The first column of u and the first row of vt are the directions, and s[0] is the size: let one of the two "
        "take it. Return None where s[1] is not tiny compared with s[0].",
    ),
)


# --- 03.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "03.quiz",
    10,
    [
        Question(
            "c",
            a="A layer could flip its kernels, but it would learn flipped weights to make up for it. So the "
            "libraries save themselves the flip.",
            b="A product of all pixels with all weights is a dense layer. A kernel sees only its window.",
            d="The integral is where the idea comes from. Pixels are finitely many, so a sum takes its place.",
        ),
        Question(
            "b",
            a="That is the number of weights in one channel of all the filters. How deep is a filter?",
            c="The bias was counted once for each weight of a slice. There is one for each filter.",
            d="That counts the output numbers. All places share the same weights, so the size of the picture does "
            "not enter.",
        ),
        Question(
            "a",
            b="With 3 on each side the output would be larger than the input. Try n = 32 in the formula.",
            c="With 4 on each side the output grows by 4. Padding is put on both sides, so it counts twice.",
            d="Without padding the output shrinks by kernel - 1, here by 4.",
        ),
        Question(
            "d",
            a="That would need weights that add up to 1, as those of a blur do. Add up these.",
            b="The 8 in the middle is only one of nine products. The other eight subtract.",
            c="That is the weight in the middle. Each weight is multiplied by the brightness below it, and the "
            "eight around it count as well.",
        ),
        Question(
            "b",
            a="The formula rounds down. Lay a kernel of 3 on 8 pixels in steps of 2 and count.",
            c="A library does not complain here: it leaves pixels out without a warning. Count the places.",
            d="No padding is added unless you ask for it. Count the places without it.",
        ),
    ],
)

EXERCISES = [
    CONVOLVE1D,
    CORRELATE2D,
    EDGE_KERNELS,
    KERNEL_GRAD,
    OUTPUT_SIZE,
    PAD,
    CONV2D,
    IM2COL,
    CONV2D_IM2COL,
    SEPARABLE,
    QUIZ,
]
