# %% [markdown]
# # 05 Losses
#
# MealoMi's network looks at a plate and gives a score to every dish. Are those scores any good? Something has to say
# so, in a single number, and in such a way that the network can improve. That something is the **loss**, also called
# the *cost function*.
#
# **When you are done, you can**
#
# - write down what a linear classifier computes, $f(x_i, W, b) = W x_i + b$, for one plate and for a batch;
# - work out the hinge loss and the cross-entropy by hand, and say what each of them punishes;
# - turn scores into probabilities without overflow, even scores of 1000;
# - say why the gradient of cross-entropy is *probabilities minus one-hot*, and what that means;
# - train a classifier for a yes-or-no question with binary cross-entropy, and say what that has to do with chapter 02's neuron;
# - read the weights of a linear classifier as pictures, and find out whether its probabilities can be believed;
# - keep weights small with a penalty, and leave the biases alone;
# - choose a loss for grams and kilocalories when one label in a hundred is nonsense.
#
# **What you build**: `linear_scores`, `hinge_loss`, `hinge_grad`, `softmax`, `cross_entropy`, `cross_entropy_grad`,
# `binary_cross_entropy`, `l2_penalty` and `huber`. They tell MealoMi how wrong it is.
#
# **Time**: about 210 minutes, with a resting point after section 6. **You need**: the dense layer from chapter 02, and
# the slope of a function from school.

# %%
import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from introdl import check, data, figures, hint
from introdl.figures import losses as figs

figures.use_style()

# %% tags=["parameters"]
seed = 5  # of the made-up doughnuts in section 11
plates_per_dish = 15  # on the board with the moving boundaries

# %% [markdown]
# If an exercise is hard, call `hint("05.linear_scores")` in a cell of your own, with the exercise's id. Each call
# shows one more hint.
#
# ## 1. Scores of a linear classifier
#
# The simplest network that tells dishes apart has one layer and no activation. It is called a **linear classifier**.
# For one plate $x_i$ it computes
#
# $$f(x_i, W, b) = W x_i + b .$$
#
# - $x_i$: the plate's **features**, shape $(D,)$. They may be pixels, or whatever the layers before have computed from
#   them.
# - $W$: the **weights**, shape $(K, D)$: one row for each dish.
# - $b$: the **biases**, shape $(K,)$: one for each dish.
# - $f(x_i, W, b)$: the **scores** $s$, shape $(K,)$, also called **logits**. The dish with the highest score is the
#   network's answer.
#
# **By hand.** Take three dishes, $K = 3$: doughnut (0), pizza (1) and salad (2). Take two features, $D = 2$: how much
# of the plate is green and how much is red, in tenths. (We made the numbers up.) A plate that is 1 green and 4 red has
# the scores
#
# $$W x_i + b = \begin{bmatrix} -1 & 0.5 \\ 0 & 1 \\ 1 & -1 \end{bmatrix} \begin{bmatrix} 1 \\ 4 \end{bmatrix} +
# \begin{bmatrix} 1 \\ 0 \\ 1 \end{bmatrix} = \begin{bmatrix} -1 + 2 + 1 \\ 0 + 4 + 0 \\ 1 - 4 + 1 \end{bmatrix} =
# \begin{bmatrix} 2 \\ 4 \\ -2 \end{bmatrix}$$
#
# Pizza wins with 4. But the plate was a doughnut with red icing, dish 0. Keep these three scores in mind: 2, 4 and −2,
# with the correct dish first. They come back throughout the chapter.
#
# **A batch.** Write $N$ plates as the rows of $X$, shape $(N, D)$. Each score is the product of a row of $X$ with a
# row of $W$, so $W$ is transposed:
#
# $$\underbrace{S}_{(N, K)} = \underbrace{X}_{(N, D)} \, \underbrace{W^\top}_{(D, K)} + \underbrace{b}_{(K,)}$$
#
# **Rows or columns?** Chapter 02 stored a layer's weights as $(D, M)$, with a *column* for each unit, and wrote `x @
# W + b`. Here $W$ is $(K, D)$, with a *row* for each dish, as in $W x_i + b$. One is the transpose of the other, and
# both are in use. Storing by rows has an advantage: each row of $W$ can be read as a template of its dish, and the
# score says how well a plate fits the template. PyTorch stores its weights in this way, too:

# %%
import torch

print("weights of torch.nn.Linear(2, 3):", tuple(torch.nn.Linear(2, 3).weight.shape))

# %% [markdown]
# ### Exercise: `linear_scores`

# %% exercise="05.linear_scores"
def linear_scores(X, W, b):
    """Scores of a linear classifier: row i of the result is W x_i + b.

    Parameters
    ----------
    X : numpy.ndarray
        (N, D) floats: a plate in each row.
    W : numpy.ndarray
        (K, D) floats: a dish in each row.
    b : numpy.ndarray
        (K,) floats.

    Returns
    -------
    numpy.ndarray
        (N, K) floats. The inputs are left as they are.

    Example
    -------
    >>> X = np.array([[1.0, 4.0], [6.0, 1.0]])
    >>> W = np.array([[-1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])
    >>> linear_scores(X, W, np.array([1.0, 0.0, 1.0]))
    array([[ 2. ,  4. , -2. ],
           [-4.5,  1. ,  6. ]])
    """
    ### BEGIN SOLUTION
    return X @ W.T + b
    ### END SOLUTION

# %% check="05.linear_scores"
check("05.linear_scores", linear_scores)

# %% [markdown]
# ## 2. Why accuracy cannot be the loss
#
# The second plate of the example is 6 green and 1 red, and it is a salad. Its scores are −4.5, 1 and 6, so salad wins.
# One of the two plates is right: an accuracy of 50 %. Accuracy is what the users of MealoMi notice. Could the network
# learn from it?
#
# Change one weight a little, and see what happens to the accuracy and to two losses. (The losses come from the
# figure's own code. You will write them soon.)

# %%
X = np.array([[1.0, 4.0], [6.0, 1.0]])
W = np.array([[-1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])
b = np.array([1.0, 0.0, 1.0])
labels = np.array([0, 2])  # a doughnut and a salad

for change in (0.0, 0.01, 0.02):
    moved = W.copy()
    moved[0, 1] += change  # how much red speaks for a doughnut
    scores = X @ moved.T + b
    accuracy = np.mean(scores.argmax(axis=1) == labels)
    hinge, _ = figs.loss_and_slopes(scores, labels, "hinge")
    entropy, _ = figs.loss_and_slopes(scores, labels, "cross-entropy")
    print(f"change {change:.2f}   accuracy {accuracy:.2f}   hinge {hinge:.4f}   cross-entropy {entropy:.4f}")

# %% [markdown]
# The accuracy stays the same, so it gives no direction. Both losses fall: *more of this, please*. A **loss** is one
# number, 0 or more, that is small when the scores are good, and that changes when the scores change a little. Here are
# the mistake (0 or 1) and both losses for the doughnut plate, as its correct score moves and the other two stay
# at 4 and −2:

# %%
figs.three_curves(rivals=(4.0, -2.0), delta=1.0)

# %% [markdown]
# The loss of a batch is the **mean** of its plates' losses,
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} L_i ,$$
#
# so that a batch of 8 and a batch of 64 can be compared. What matters is the choice of $L_i$. There are two classical
# ones, and you will write both.
#
# ## 3. The hinge loss
#
# The first choice says: *the correct dish must win by a margin*. Every other dish that comes too close adds to the
# loss. (It is also called the multiclass SVM loss, after support vector machines, which minimize it.)
#
# $$L_i = \sum_{j \ne y_i} \max(0,\; s_j - s_{y_i} + \Delta)$$
#
# - $y_i$: the plate's **label**, a whole number from 0 to $K - 1$.
# - $s$: the plate's scores, shape $(K,)$. $s_{y_i}$ is the correct dish's score, and $s_j$ is the score of a wrong
#   dish.
# - $\Delta$: the **margin**, one number. In code it is `delta`.
# - The sum has $K - 1$ terms, one for each wrong dish.
#
# **By hand**, for the doughnut with scores 2, 4, −2 and $\Delta = 1$:
#
# | wrong dish | $s_j - s_{y_i} + \Delta$ | term |
# |---|---|---|
# | pizza | $4 - 2 + 1 = 3$ | 3 |
# | salad | $-2 - 2 + 1 = -3$ | 0 |
#
# So $L_0 = 3 + 0 = 3$. The salad's score is lower than the doughnut's by 4, which is more than the margin, so it costs
# nothing. It does not reduce the loss either; that is what the $\max$ is for. The second plate, a salad with $-4.5, 1,
# 6$, has the terms $\max(0, -9.5)$ and $\max(0, -4)$, so $L_1 = 0$. For the batch $L = (3 + 0)/2 = 1.5$, which agrees
# with the first row printed above.
#
# **One score from each row.** In NumPy you need the correct score of every plate, and that is a different column in
# every row. Index with *two* arrays of the same length, and NumPy pairs them up: row 0 with the first label, row 1
# with the second, and so on.

# %%
example = np.array([[2.0, 4.0, -2.0], [-4.5, 1.0, 6.0]])
rows = np.arange(len(labels))  # 0, 1
print("example[rows, labels] :", example[rows, labels], "  one score for each plate, shape", example[rows, labels].shape)
print("example[:, labels]    :", example[:, labels].tolist(), "  columns 0 and 2 of every plate, not what you want")
print("as a column           :", example[rows, labels][:, None].tolist(), "  shape (N, 1), so that it fits against (N, K)")

# %% [markdown]
# ### Exercise: `hinge_loss`
#
# The checks of this chapter accept neither torch nor scikit-learn, nor anything from `scipy.special`, which has
# softmax and its relatives.

# %% exercise="05.hinge_loss"
def hinge_loss(scores, labels, delta=1.0):
    """Multiclass hinge loss: the mean over the plates of the sum over their wrong classes.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats, K >= 2.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.
    delta : float
        The margin by which the correct class must win, above 0.

    Returns
    -------
    float
        One number. The inputs are left as they are.

    Example
    -------
    >>> scores = np.array([[2.0, 4.0, -2.0], [-4.5, 1.0, 6.0]])
    >>> float(hinge_loss(scores, np.array([0, 2])))
    1.5
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(labels))
    correct = scores[rows, labels][:, None]
    margins = np.maximum(0, scores - correct + delta)
    margins[rows, labels] = 0
    return margins.sum(axis=1).mean()
    ### END SOLUTION

# %% check="05.hinge_loss"
check("05.hinge_loss", hinge_loss)

# %% [markdown]
# ### Its gradient
#
# To lower the loss you must know how it changes with each score. That is the **gradient**, $\partial L / \partial s$,
# which has the same shape as the scores, $(N, K)$.
#
# One term $\max(0, m)$ with $m = s_j - s_{y_i} + \Delta$ is easy:
#
# - if $m < 0$, the term is 0 and stays 0, so its slope is 0;
# - if $m > 0$, the term is $m$. If the wrong score $s_j$ rises by 1, the loss rises by 1. If the correct score
#   $s_{y_i}$ rises by 1, the loss falls by 1.
#
# And at $m = 0$, exactly at the corner? We take 0, as PyTorch does.
#
# **By hand.** With scores $3, 4, 3.5$, label 0 and $\Delta = 1$ the terms are $2$ and $1.5$, both above 0. The slopes
# of the wrong scores are 1 and 1. The correct score occurs in *both* terms, so its slope is $-2$. The row is $[-2, 1,
# 1]$, divided by $N$ because the loss is a mean. Each row adds up to 0, because adding the same number to all scores
# of a plate does not change the loss.
#
# ### Exercise: `hinge_grad`

# %% exercise="05.hinge_grad"
def hinge_grad(scores, labels, delta=1.0):
    """Gradient of `hinge_loss` with respect to the scores.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats, K >= 2.
    labels : numpy.ndarray
        (N,) int64.
    delta : float
        The margin, above 0.

    Returns
    -------
    numpy.ndarray
        (N, K) floats. A term whose s_j - s_y + delta is exactly 0 has slope 0. The inputs
        are left as they are.

    Example
    -------
    >>> scores = np.array([[3.0, 4.0, 3.5], [-4.5, 1.0, 6.0]])
    >>> hinge_grad(scores, np.array([0, 2])).tolist()
    [[-1.0, 0.5, 0.5], [0.0, 0.0, 0.0]]
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(labels))
    correct = scores[rows, labels][:, None]
    grad = (scores - correct + delta > 0).astype(float)
    grad[rows, labels] = 0
    grad[rows, labels] -= grad.sum(axis=1)
    return grad / len(labels)
    ### END SOLUTION

# %% check="05.hinge_grad"
check("05.hinge_grad", hinge_grad)

# %% [markdown]
# ## 4. Softmax: from scores to probabilities
#
# The second loss starts from a different idea. A user does not want to read "doughnut 2, pizza 4, salad −2". She wants
# to read "88 % pizza". So turn the scores into probabilities, which are never below 0 and add up to 1. The function is
# called **softmax**:
#
# $$p_k = \frac{e^{s_k}}{\sum_{j=0}^{K-1} e^{s_j}}$$
#
# - $s$: one plate's scores, shape $(K,)$. $p$: its **probabilities**, the same shape.
# - The exponential makes every number positive and keeps their order. The division makes the sum 1.
#
# A linear classifier with a softmax is called **softmax regression**, or multinomial logistic regression. It is
# scikit-learn's `LogisticRegression` from chapter 01.

# %%
figs.softmax_steps((2.0, 4.0, -2.0))

# %% [markdown]
# Only the **differences** between scores matter. If you add a number $c$ to all of them, every exponential is
# multiplied by $e^c$, and so is their sum, and the fraction stays the same. A lead of one point over another dish
# means $e^1 \approx 2.7$ times its probability, whether it is 4 against 3 or 1000 against 999.
#
# With only **two** classes, softmax is therefore the sigmoid of chapter 02, applied to the difference of the two
# scores: $p_1 = e^{s_1} / (e^{s_0} + e^{s_1}) = \sigma(s_1 - s_0)$. For example, $s = [0, 1.6]$ gives $p_1 =
# \sigma(1.6) = 0.832$, the "83 % doughnut" of chapter 02. So one score is enough for two classes, and that is
# **logistic regression**.
#
# All this holds on paper. Now ask NumPy for the case 1000 against 999:

# %%
big = np.array([1000.0, 999.0, 990.0])
with np.errstate(all="ignore"):  # NumPy would warn; here we only look
    print("exp:    ", np.exp(big))
    print("softmax:", np.exp(big) / np.exp(big).sum())

# %% [markdown]
# The largest float64 is about $1.8 \cdot 10^{308}$, while $e^{1000}$ is about $2 \cdot 10^{434}$. It becomes infinity,
# and infinity divided by infinity is *not a number*. At the other end $e^{-1000}$ becomes 0, and a row of those gives
# 0/0. But remember that you may add any $c$ to a plate's scores. Which $c$ makes the largest exponent exactly 0?
#
# ### Exercise: `softmax`
#
# A NumPy warning counts as a mistake here.

# %% exercise="05.softmax"
def softmax(scores):
    """Turn each row of scores into probabilities, without overflow.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats. A row may hold 1000 and -1000, and rows may be far apart.

    Returns
    -------
    numpy.ndarray
        (N, K) floats; each row adds up to 1. NumPy gives no warning on the way. The scores
        are left as they are.

    Example
    -------
    >>> softmax(np.array([[2.0, 4.0, -2.0], [1000.0, 1000.0, 0.0]])).round(3).tolist()
    [[0.119, 0.879, 0.002], [0.5, 0.5, 0.0]]
    """
    ### BEGIN SOLUTION
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION

# %% check="05.softmax"
check("05.softmax", softmax)

# %% [markdown]
# ## 5. Cross-entropy
#
# Now for the loss. The network gave the correct dish the probability $p_{y_i}$. The smaller that probability, the more
# the plate should cost:
#
# $$L_i = -\ln p_{y_i}$$
#
# - Confident and right, $p_{y_i} = 1$: the loss is 0.
# - One half: $-\ln 0.5 \approx 0.69$. One in a hundred: $4.6$. One in a million: $13.8$. There is no upper limit.
#
# **By hand**, for the doughnut: $p_0 = 0.119$, so $L_0 = -\ln 0.119 = 2.13$.

# %%
figs.surprise((0.9, 0.5, 0.119, 0.01))

# %% [markdown]
# **Why the logarithm?** Suppose that the network gives the true dishes of three plates the probabilities 0.5, 0.8 and
# 0.9. If the plates are independent, the probability that it gives to *all* the right answers together is the product
# $0.5 \cdot 0.8 \cdot 0.9 = 0.36$. This is called the **likelihood** of the labels, and good weights are those that
# make it large. But a product of thousands of such numbers underflows to 0, and is awkward to differentiate. Its
# logarithm is a sum, $\ln 0.36 = \ln 0.5 + \ln 0.8 + \ln 0.9$. Change its sign, so that small is good, and divide by
# the number of plates:
#
# $$-\tfrac13 \ln 0.36 = \tfrac13 (0.693 + 0.223 + 0.105) = 0.341$$
#
# That is the mean cross-entropy. So *minimizing cross-entropy is maximizing the likelihood*, and another name for this
# loss is the negative log-likelihood.
#
# **Why the name?** Write the label as chapter 00's **one-hot** row, shape $(K,)$: 1 at the correct dish, 0 elsewhere.
# Call $-\ln p_k$ the **surprise** at seeing dish $k$. If dishes come up with the probabilities $q_k$, the surprise is on
# average $-\sum_k q_k \ln p_k$, and that average is the **cross-entropy** of $q$ and $p$. It is smallest when $p$ equals
# $q$, and what remains then is the **entropy** of $q$: the surprise that nobody can avoid. With a one-hot row as $q$, all
# terms except one are 0, and the formula above remains. With a softer label, say $q = [0.9, 0.1, 0]$ for a plate on which
# nine people of ten see a doughnut, the first two terms count: $-0.9 \ln 0.119 - 0.1 \ln 0.879 = 1.93$.
#
# **From scores, in one step.** If you compute $p$ first, a dish without a chance gets exactly 0 in floating point, and
# its logarithm is minus infinity. Simplify first:
#
# $$L_i = -\ln \frac{e^{s_{y_i}}}{\sum_j e^{s_j}} = \ln\Big(\sum_j e^{s_j}\Big) - s_{y_i}$$
#
# The fraction is gone, and the correct score stands there as it is. If you subtract the largest score from all of them first, one term of
# the sum is $e^0 = 1$, so the logarithm is safe as well. With $2, 4, -2$: subtract 4 to get $-2, 0, -6$. The sum is
# $0.1353 + 1 + 0.0025 = 1.1378$, its logarithm is $0.129$, and $0.129 - (-2) = 2.129$.
#
# **A number to remember: $\ln K$.** A network that knows nothing gives every dish the same score, and its loss is $\ln
# K$. If the first loss that you see in training is far from that, something is wrong before anything has been learned.

# %%
for K in (3, 10, 101):
    start, _ = figs.loss_and_slopes(np.zeros((1, K)), np.array([0]), "cross-entropy")
    print(f"{K:>3} dishes, all scores 0: loss {start:.3f}   ln K = {np.log(K):.3f}")

# %% [markdown]
# ### Exercise: `cross_entropy`

# %% exercise="05.cross_entropy"
def cross_entropy(scores, labels):
    """Mean cross-entropy of a batch, from its scores (not from probabilities).

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats. A row may hold 1000 and -1000, and the correct class may be the lower.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.

    Returns
    -------
    float
        One number, finite, with the natural logarithm. NumPy gives no warning on the way.
        The inputs are left as they are.

    Example
    -------
    >>> scores = np.array([[2.0, 4.0, -2.0], [0.0, 0.0, 0.0]])
    >>> round(float(cross_entropy(scores, np.array([0, 2]))), 3)
    1.614
    >>> float(cross_entropy(np.array([[1000.0, -1000.0]]), np.array([1])))
    2000.0
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1))
    return (total - shifted[np.arange(len(labels)), labels]).mean()
    ### END SOLUTION

# %% check="05.cross_entropy"
check("05.cross_entropy", cross_entropy)

# %% [markdown]
# ### Why its gradient is so simple
#
# Take $L_i = \ln\big(\sum_j e^{s_j}\big) - s_{y_i}$ and ask how it changes with one score $s_k$.
#
# - The first part: the slope of $\ln u$ is $1/u$, and in the sum only $e^{s_k}$ depends on $s_k$. Together that makes
#   $e^{s_k} / \sum_j e^{s_j}$, which is $p_k$.
# - The second part: $-1$ if $k$ is the correct dish, 0 if not. That is minus the one-hot row.
#
# $$\frac{\partial L_i}{\partial s} = p - \text{onehot}(y_i), \qquad \text{shapes } (K,) = (K,) - (K,)$$
#
# The gradient is **what the network says, minus what is true**. By hand, for the doughnut: $[0.119, 0.879, 0.002] -
# [1, 0, 0] = [-0.881, 0.879, 0.002]$. Going against the gradient raises doughnut, lowers pizza by nearly as much, and
# leaves salad almost alone. When the network is confident and right, $p$ is close to the one-hot row and the gradient
# is close to 0. When it is confident and *wrong*, the gradient is large and the network learns fast; with the squared
# loss of chapter 02 it would learn slowly.
#
# Test this before you believe it. Change each score by a thousandth and see what the loss does:

# %%
scores, label, step = np.array([2.0, 4.0, -2.0]), np.array([0]), 0.001
for k, dish in enumerate(["doughnut", "pizza", "salad"]):
    up, down = scores.copy(), scores.copy()
    up[k] += step
    down[k] -= step
    above, _ = figs.loss_and_slopes(up[None], label, "cross-entropy")
    below, _ = figs.loss_and_slopes(down[None], label, "cross-entropy")
    print(f"{dish:<9} slope {(above - below) / (2 * step):+.4f}")

# %% [markdown]
# ### Exercise: `cross_entropy_grad`
#
# You may call your `softmax`. Remember that the loss is a mean.

# %% exercise="05.cross_entropy_grad"
def cross_entropy_grad(scores, labels):
    """Gradient of `cross_entropy` with respect to the scores.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats. A row may hold 1000 and -1000.
    labels : numpy.ndarray
        (N,) int64.

    Returns
    -------
    numpy.ndarray
        (N, K) floats; each row adds up to 0. NumPy gives no warning on the way. The inputs
        are left as they are.

    Example
    -------
    >>> scores = np.array([[2.0, 4.0, -2.0], [0.0, 0.0, 0.0]])
    >>> cross_entropy_grad(scores, np.array([0, 2])).round(3).tolist()
    [[-0.441, 0.439, 0.001], [0.167, 0.167, -0.333]]
    """
    ### BEGIN SOLUTION
    grad = softmax(scores)
    grad[np.arange(len(labels)), labels] -= 1
    return grad / len(labels)
    ### END SOLUTION

# %% check="05.cross_entropy_grad"
check("05.cross_entropy_grad", cross_entropy_grad)

# %% [markdown]
# ## 6. Logistic regression: two classes, one score
#
# *Is that a doughnut, yes or no?* For two classes one score $z$ is enough, as you saw in section 4: $p = \sigma(z)$ is
# the probability of yes, and the rest, $1 - p$, is the probability of no. A linear score with a sigmoid is **logistic
# regression**, and it is the neuron that you trained in chapter 02.
#
# The loss is minus the logarithm of the probability of the right answer, as before. The label $y$ is 1 or 0, so it can
# choose between the two probabilities: one of the two terms is always multiplied by 0.
#
# $$L_i = -\,y_i \ln p_i \;-\; (1 - y_i) \ln (1 - p_i)$$
#
# This is the **binary cross-entropy**. **By hand**, with the score $z = 1.6$ of chapter 02, so that $p = 0.832$:
#
# | the plate is | $y$ | loss | slope $p - y$ |
# |---|---|---|---|
# | a doughnut | 1 | $-\ln 0.832 = 0.184$ | $0.832 - 1 = -0.168$ |
# | another dish | 0 | $-\ln (1 - 0.832) = -\ln 0.168 = 1.784$ | $0.832 - 0 = 0.832$ |
#
# - $z$: the scores (logits) of the batch, shape $(N,)$. $p = \sigma(z)$, the same shape.
# - $y$: the labels, shape $(N,)$, each 0 or 1.
#
# **From scores, in one step.** The logarithm of a $p$ that has become exactly 0 is minus infinity, so simplify first,
# as in section 5. Since $-\ln \sigma(z) = \ln(1 + e^{-z})$ and $-\ln(1 - \sigma(z)) = \ln(1 + e^{z})$, both cases
# together are
#
# $$L_i = \ln(1 + e^{z_i}) - y_i z_i \;=\; \max(z_i, 0) - y_i z_i + \ln\big(1 + e^{-|z_i|}\big)$$
#
# The right side never raises $e$ to a positive power, so nothing overflows. By hand, for the other dish: $1.6 - 0 +
# \ln(1 + 0.202) = 1.6 + 0.184 = 1.784$.
#
# **Its gradient** is $\partial L / \partial z_i = (p_i - y_i) / N$: what the network says, minus what is true, once
# more. And from the score $z = w \cdot x + b$ to a weight there is one more factor, the input: the slope for $w$ is
# $(p - y)\,x$, and for $b$ it is $p - y$. Now you know where chapter 02's rule came from. A step against this gradient
# is
#
# $$w \leftarrow w - \eta\,(p - y)\,x, \qquad b \leftarrow b - \eta\,(p - y),$$
#
# so `train_neuron` was gradient descent on the binary cross-entropy, one plate at a time.
#
# The same loss works for questions that can all be answered yes at once: *contains nuts?*, *contains gluten?*, *vegetarian?*
# Give each its own score and its own binary cross-entropy. A softmax would make them compete.
#
# ### Exercise: `binary_cross_entropy`
#
# Return the loss and the gradient together, since they share their exponentials. A NumPy warning counts as a mistake here, too.

# %% exercise="05.binary_cross_entropy"
def binary_cross_entropy(z, y):
    """Mean binary cross-entropy of a batch, from its scores, and its gradient.

    Parameters
    ----------
    z : numpy.ndarray
        (N,) floats: scores (logits), as far out as -1000 and 1000, and not always on the right side.
    y : numpy.ndarray
        (N,) int64: labels, 0 or 1.

    Returns
    -------
    loss : float
        The mean over the plates, finite, with the natural logarithm.
    grad : numpy.ndarray
        (N,) floats: the slope of that mean for each z. NumPy gives no warning on the way. The
        inputs are left as they are.

    Example
    -------
    >>> loss, grad = binary_cross_entropy(np.array([1.6, 1.6]), np.array([1, 0]))
    >>> round(float(loss), 3), grad.round(3).tolist()
    (0.984, [-0.084, 0.416])
    >>> loss, grad = binary_cross_entropy(np.array([-1000.0]), np.array([1]))
    >>> float(loss), grad.tolist()
    (1000.0, [-1.0])
    """
    ### BEGIN SOLUTION
    e = np.exp(-np.abs(z))
    losses = np.maximum(z, 0) - y * z + np.log(1 + e)
    p = np.where(z >= 0, 1.0, e) / (1 + e)
    return losses.mean(), (p - y) / len(y)
    ### END SOLUTION

# %% check="05.binary_cross_entropy"
check("05.binary_cross_entropy", binary_cross_entropy)

# %% [markdown]
# In PyTorch it is called `binary_cross_entropy_with_logits`. There is also a `binary_cross_entropy`, which takes
# probabilities and clips their logarithms at −100; use the one with logits.
#
# **A resting point.** You now have both losses, and the gradients that train every classifier in this course. The
# rest of the chapter asks what they do.
#
# ## 7. What hinge and cross-entropy punish
#
# Move the three scores, with the mouse or with the arrow keys. The figure writes out every term of both losses.
#
# 1. Raise *doughnut* from 2. At which score does the hinge loss become 0? What does cross-entropy say there?
# 2. Raise it further. Which loss still changes?
# 3. Put doughnut at 5, so that it leads pizza by 1, and move *salad* between −6 and 4. Which loss notices?
# 4. Set all three to 0. The cross-entropy should be $\ln 3$. And the hinge loss?
# 5. Make the scores as wrong as you can: doughnut −6, the others 6. Read the slopes. What is the largest slope that
#    cross-entropy can have, and what is the largest that the hinge loss can have?
# 6. Set $\Delta$ to 0, and all scores to 0 again. The hinge loss is 0. Why is that a bad idea?

# %% tags=["demo"]
figs.score_explorer((2.0, 4.0, -2.0), label=0)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. At 5, since pizza has 4 and the margin is 1. Cross-entropy is still 0.31 there.
# 2. Only cross-entropy: it keeps falling, more and more slowly.
# 3. Only cross-entropy, which rises from 0.31 to 0.55. For the hinge loss salad is outside the margin, or just reaches
#    it.
# 4. The hinge loss is 2: two wrong dishes, each of which is a whole margin of 1 too close.
# 5. For cross-entropy no slope is larger than 1 in size, because it is a probability minus 0 or 1. For the hinge loss
#    the correct score has the slope −2 here; the largest possible size is K − 1.
# 6. A network whose weights are all 0 gives equal scores to everything, and without a margin that already has a loss
#    of 0. Nothing would be left to learn.
# </details>
#
# Here is the comparison in numbers, for a doughnut against two wrong dishes with score 0:

# %%
print("score of the doughnut   hinge   cross-entropy   slopes of the doughnut")
for correct in (-10.0, -1.0, 0.5, 1.0, 5.0, 10.0):
    row, label = np.array([[correct, 0.0, 0.0]]), np.array([0])
    hinge, hinge_slope = figs.loss_and_slopes(row, label, "hinge")
    entropy, entropy_slope = figs.loss_and_slopes(row, label, "cross-entropy")
    print(f"{correct:>21}   {hinge:>5.1f}   {entropy:>13.5f}   {hinge_slope[0, 0]:>5.1f} and {entropy_slope[0, 0]:.5f}")

# %% [markdown]
# - **Hinge** wants a margin, and is satisfied once it has it. Plates that are safely right no longer influence the
#   weights. Each wrong dish that comes too close pushes with full strength, whether it is barely too close or far
#   ahead.
# - **Cross-entropy** is never quite satisfied. Even at a lead of 10 it asks for a little more, but the pull gets
#   weaker and weaker. And it comes with probabilities, which MealoMi can show. (Whether you can believe them is another
#   question, for section 10.)
# - **Both** grow in a straight line for a plate that is very wrong, so there is no limit to what a wrong *label* can
#   cost. From time to time, look at the plates with the largest losses. Some of them may have been mislabeled by a
#   tired human.
#
# Most classifiers today are trained with cross-entropy, and so will yours be from chapter 07 on.
#
# ## 8. Regularization: small weights
#
# Different weights can give the very same scores. Which ones would you rather have? Take one dish and a plate $x = [2,
# 1]$. All of these give the score 5:
#
# | $w$ | $w \cdot x$ | $w_1^2 + w_2^2$ |
# |---|---|---|
# | $[2.5, 0]$ | $5 + 0 = 5$ | 6.25 |
# | $[0, 5]$ | $0 + 5 = 5$ | 25 |
# | $[2, 1]$ | $4 + 1 = 5$ | **5** |

# %%
figs.same_score(x=(2.0, 1.0), score=5.0, others=((2.5, 0.0), (0.0, 5.0)))

# %% [markdown]
# The second set bets everything on one feature. If that feature is off by 0.2 on the next photo, the score is off
# by 1. The third set spreads its bet. To prefer it, add a **penalty** to the loss:
#
# $$L_{\text{total}} = L + \lambda \sum_{k} \sum_{d} W_{kd}^2$$
#
# - $\lambda$: the **strength**, one number, 0 or more. You choose it; nothing in the loss tells you how large it
#   should be, so try several and choose by plates that were held back.
# - The sum runs over all weights: $K$ dishes, $D$ features. It is the square of the **L2 norm**, so this is called an
#   *L2 penalty*, and in the training of networks also **weight decay**. Everything that is added to make a model
#   generalize better is called **regularization**. Its gradient is $2 \lambda W$: at each step every weight shrinks by
#   the same fraction of itself, hence the decay.
#
# There is a second reason. Once all plates are right by the margin, doubling the weights and biases makes them right by twice
# the margin, and the hinge loss is 0 in both cases. Cross-entropy even prefers the larger ones: on plates that lines can
# separate, it would let the weights grow forever. The penalty says where to stop.
#
# **Biases are usually not penalized.** A bias multiplies no feature. It only shifts a score, so a large bias does not make the
# network depend too much on any one feature.
#
# **The bias trick.** Many texts, and many programs, store the biases as one more column of $W$, and give each plate one
# more feature, which is always 1:
#
# $$\begin{bmatrix} W & b \end{bmatrix} \begin{bmatrix} x_i \\ 1 \end{bmatrix} = W x_i + b$$
#
# That saves an array. But now you have to make sure that the last column is left out of the penalty. For our three
# dishes:

# %%
W_and_b = np.column_stack([W, b])
print(W_and_b)
print("scores of the first plate:", W_and_b @ np.array([1.0, 4.0, 1.0]))

# %% [markdown]
# Its penalty with $\lambda = 0.1$ is $0.1 \cdot (1 + 0.25 + 0 + 1 + 1 + 1) = 0.425$. The last column does not count.
#
# ### Exercise: `l2_penalty`

# %% exercise="05.l2_penalty"
def l2_penalty(W, strength):
    """L2 penalty of weights that are stored with their biases: strength times the sum of squares.

    Parameters
    ----------
    W : numpy.ndarray
        (K, D + 1) floats, D >= 1: the weights of K dishes, and in the last column their biases,
        which are not penalized.
    strength : float
        Lambda, above 0.

    Returns
    -------
    float
        One number: no factor of one half, no mean. W is left as it is.

    Example
    -------
    >>> W = np.array([[-1.0, 0.5, 1.0], [0.0, 1.0, 0.0], [1.0, -1.0, 1.0]])
    >>> round(float(l2_penalty(W, 0.1)), 3)
    0.425
    """
    ### BEGIN SOLUTION
    return strength * np.sum(W[:, :-1] ** 2)
    ### END SOLUTION

# %% check="05.l2_penalty"
check("05.l2_penalty", l2_penalty)

# %% [markdown]
# ## 9. Watch a linear classifier learn
#
# Now put everything together on MealoMi's plates: pizzas, tomatoes and salads. Two features have to be enough, the
# share of the food that is green and the share that is red. A pixel counts as green if its green is a little above its
# red and its blue, and as red if its red is far above both.

# %%
trio = ["pizza", "tomato", "salad"]
pictures = data.plates(dishes=trio)
labels_of = [pictures.classes.index(dish) for dish in trio]


def two_features(image, box):
    """The shares of green and of red pixels in the food's box, each from 0 to 1."""
    x0, y0, x1, y1 = box.astype(int)
    red, green, blue = np.moveaxis(image[y0:y1, x0:x1].astype(float), 2, 0)
    is_green = (green > 1.05 * red) & (green > 1.05 * blue)
    is_red = (red > 1.8 * green) & (red > 1.3 * blue)
    return is_green.mean(), is_red.mean()


def measured(part, most):
    """Features (N, 2) and labels (N,) of the first plates of each dish."""
    some = pictures.split(part)
    chosen = [np.flatnonzero(some.labels == label)[:most] for label in labels_of]
    X = np.array([two_features(some.images[i], some.boxes[i]) for i in np.concatenate(chosen)])
    return X, np.repeat([0, 1, 2], [len(own) for own in chosen])


plates, dishes = measured("train", plates_per_dish)
for k, dish in enumerate(trio):
    green, red = plates[dishes == k].mean(axis=0)
    print(f"{dish:>7}: {green:.0%} green and {red:.0%} red, on average")

# %% [markdown]
# Each mark is a plate. The scores of the three dishes are $W x_i + b$, and each region is where one of them wins.
# Between two regions lies the **decision boundary**, where two scores are equal. For a linear classifier it is a
# straight line.
#
# Each **step** computes the gradient of the loss for $W$ and $b$, and moves them a little in the opposite direction.
# How the gradient gets from the scores to $W$ is the topic of chapter 06, and how to choose the steps is the topic of
# chapter 07. For now you only watch. The starting weights are bad on purpose.
#
# 1. Press *one step* ten times, then play. Does the accuracy rise with every step, as the loss falls?
# 2. From step 150 to step 200, what does the accuracy do? And the loss? What is still moving?
# 3. Set the L2 strength to 0, then to 0.1, and read the sum of squared weights at step 200. What happens to the lines?
# 4. Change the loss to *hinge*, at step size 1 and L2 strength 0.001. Which plates can still push the lines at the
#    end?
# 5. Hinge again, with L2 strength 0.01 and step size 3: why does the loss never settle down?

# %% tags=["demo"]
figs.classifier_board(plates, dishes, ("x₁: share of green", "x₂: share of red"), trio)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. No. In the first steps the accuracy even falls, from 11 to 9 %, while the loss improves: the lines have to sweep
#    across some plates to get to the others.
# 2. The accuracy stays at 87 %. The cross-entropy still falls, from 0.67 to 0.64, because the weights grow and the
#    network gets more confident about the plates that are already right.
# 3. With strength 0 the sum of squared weights is about 63, with 0.1 it is about 0.26. Small weights mean flat scores,
#    so that with 0.1 the three dishes get nearly equal probabilities everywhere; the lines move, but four plates out of
#    five are still right.
# 4. Only the plates inside the margin, about half of the 45. The others have a loss of exactly 0 and a gradient of
#    exactly 0.
# 5. Each plate that is not right by the margin pushes with full strength, however small the loss has become, and with such a large step every step overshoots: what is
#    gained on one plate is lost on another, so the loss jumps back and forth. With smaller steps it settles down.
# </details>
#
# A lower loss need not mean that more plates are right. The loss is what the network follows, and the accuracy is what
# you hope for, so keep an eye on both.
#
# What about plates that the network was not trained on? Take the weights of step 200, with cross-entropy at step size
# 1 and L2 strength 0.001, and the validation plates:

# %%
W_trained = figs.trained(plates, dishes, "cross-entropy", strength=0.001, rate=1.0, steps=200)
for words, (X_some, y_some) in {"trained on": (plates, dishes), "never seen": measured("val", 1000)}.items():
    said = (X_some @ W_trained[:, :2].T + W_trained[:, 2]).argmax(axis=1)
    print(f"plates {words}: {np.mean(said == y_some):.0%} of {len(y_some)} right")

X_val, y_val = measured("val", 1000)
scores = X_val @ W_trained[:, :2].T + W_trained[:, 2]
probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
print(f"never seen, mean probability of the dish that is named: {probabilities.max(axis=1).mean():.0%}")

# %% [markdown]
# With two features and three lines, the classifier does about as well on plates that it has never seen as on those it was trained on. Look at those that it gets
# wrong at step 200: a salad buried under tomatoes lies among the tomatoes, and a green pizza among the salads. No line
# can separate what the features do not distinguish, and doughnuts, which come in all colors, would be even harder. From
# chapter 09 on, a network finds features of its own.
#
# (Remember the last printed line. You will need it in a moment.)
#
# ## 10. What a linear classifier has learned: templates and calibration
#
# ### Templates
#
# In section 1 we called each row of $W$ a template of its class. With two features there is not much to see. Take
# pictures instead: scikit-learn's handwritten digits, 8 by 8 pixels, with every pixel a feature. Then a row of $W$ has
# 64 weights, one for each pixel, and can be drawn as a picture of 8 by 8.

# %%
numbers = data.digits()
digits_train, digits_val = numbers.split("train"), numbers.split("val")


def pixels(some):
    """Pictures as rows: (N, 64), from 0 (paper) to 1 (ink)."""
    return some.images[..., 0].reshape(len(some), -1) / 255


def linear_classifier(C):
    """Softmax regression on the digits; a small C is a strong penalty on the weights."""
    return LogisticRegression(C=C, max_iter=3000).fit(pixels(digits_train), digits_train.labels)


careful = linear_classifier(C=0.1)
right = careful.score(pixels(digits_val), digits_val.labels)
print("W:", careful.coef_.shape, "  b:", careful.intercept_.shape, f"  right on digits never seen: {right:.0%}")

# %% [markdown]
# Where a weight is blue, ink speaks for the digit; where it is orange, ink speaks against it. Each score below a
# template is the sum of the picture's pixels times the template's weights, plus the bias. The highest score wins.
#
# 1. Look at template 0. Why is its middle orange?
# 2. Where does template 7 want ink, and where does it not?
# 3. Move the slider to the pictures that it gets wrong (they come last). Which template fits better than the right
#    one, and with which strokes?

# %%
said = careful.predict(pixels(digits_val))
right_ones, wrong_ones = np.flatnonzero(said == digits_val.labels)[:10], np.flatnonzero(said != digits_val.labels)[:10]
chosen = np.concatenate([right_ones, wrong_ones])

# %% tags=["demo"]
figs.template_explorer(careful.coef_, careful.intercept_, pixels(digits_val)[chosen], digits_val.labels[chosen])

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# A 0 has a hole in the middle. Ink there is the best sign that the picture is some other digit, so those weights are
# negative. Template 7 is blue at the upper right, where its bar ends, and orange at the lower right, where a 7 has no
# ink but many other digits do. So a template does not show what the digit looks like, but what distinguishes it from
# the other nine. Of the ten pictures that go wrong, five show an 8, read as 1, 9 or 5: people write an 8 in many ways,
# and there is only *one* template for all of them.
# </details>
#
# That is the limit of a linear classifier: one template for each class, in one position. A pizza seen from the side, or a
# digit that has moved by two pixels, no longer fits its template. Hidden layers (chapter 06) allow many templates for
# a class, and convolutions (chapter 03) apply them at every position.
#
# ### Can the probabilities be believed?
#
# Probabilities are **calibrated** if, of all the answers given with a probability of about 60 %, about 60 % are right.
# Take three penalties for the same classifier, and compare three numbers on the digits that it has never seen: how
# often it is right, how confident it is (the mean probability of its answers), and the cross-entropy.

# %%
print("      C    right   confidence   cross-entropy")
confidence, is_right = {}, {}
for C in (0.1, 1.0, 1000.0):
    p = linear_classifier(C).predict_proba(pixels(digits_val))
    confidence[C], is_right[C] = p.max(axis=1), p.argmax(axis=1) == digits_val.labels
    entropy = -np.log(p[np.arange(len(p)), digits_val.labels]).mean()
    print(f"{C:7g}   {is_right[C].mean():6.1%}   {confidence[C].mean():10.1%}   {entropy:13.3f}")

# %% [markdown]
# All three are right on 94 to 97 % of the pictures, but their confidence differs far more. With the strong penalty the
# classifier claims 71 % but is right on 94 %: it is too cautious, because its weights are small. With hardly any
# penalty the weights have grown, and it says 99 % where it is right on 97 %: too confident. The gap looks small
# in percentage points, but it means nearly three times as many mistakes as the classifier claims to make. The cross-entropy charges for
# every probability that is too low, so it makes the first classifier pay for its caution. But even the lowest cross-entropy does not
# mean that the probabilities can be believed: here it belongs to the classifier that is too confident. And the strong penalty
# costs accuracy here: with 64 features and more than a thousand digits there is little overfitting to prevent. Chapter 07
# shows a case in which a penalty helps.
#
# A **reliability diagram** shows where the confidence is too high or too low. Sort the pictures into bins by their confidence, and draw, for each bin, how
# many were right. On the diagonal, the classifier can be taken at its word.

# %%
figs.reliability([
    ("strong penalty (C = 0.1)", confidence[0.1], is_right[0.1]),
    ("hardly any (C = 1000)", confidence[1000.0], is_right[1000.0]),
])

# %% [markdown]
# Where a bar ends above the diagonal, the classifier is right more often than it says; where it ends below, less
# often. The small numbers say how many pictures there are in a bin. In the diagram on the right, 349 of the 359
# pictures are in the last bin, so the heights of the other two bars are mostly luck.
#
# The plates of section 9 tell the same story as the diagram on the left: the classifier was 60 % confident on average,
# and right on 87 %. There, the penalty and the stop after 200 steps kept the weights small. Large networks are
# often off in the other direction, too confident ([Guo and others 2017](https://arxiv.org/abs/1706.04599)). So
# softmax gives you numbers that add up to 1, and whether they can be believed has to be measured.
#
# ## 11. Losses for grams and kilocalories
#
# *Which dish?* is a choice. *How many grams?* is a number, and there the error is a difference, $r_i = \hat y_i -
# y_i$, prediction minus truth, both of shape $(N,)$. How much should an error cost?
#
# | loss | of one plate | its slope | the best constant answer is |
# |---|---|---|---|
# | squared | $r^2$ | $2r$: large errors pull harder | the mean |
# | absolute | $\lvert r \rvert$ | $\pm 1$: all errors pull equally | the median |
#
# **Outliers.** Five doughnuts weigh 52, 55, 58, 60 and 60 g, but somebody typed the last one as 600. MealoMi may give
# only one number for all five. Which is best?

# %%
right, typed = np.array([52.0, 55.0, 58.0, 60.0, 60.0]), np.array([52.0, 55.0, 58.0, 60.0, 600.0])
print("best constant          typed right   typed wrong")
print(f"squared error (mean)    {right.mean():8.1f} g   {typed.mean():8.1f} g")
print(f"absolute error (median) {np.median(right):8.1f} g   {np.median(typed):8.1f} g")

# %% [markdown]
# With one typing error in the labels, the squared error gives 165 g, a weight that no doughnut here has; one label out of five
# has moved it by 108 g. The absolute error is not affected: with 600 or with 60, the one in the middle is the same.
# But it has a flaw of its own. Its slope is $\pm 1$ even for an error of a tenth of a gram, so gradient descent with steps of a fixed
# size never settles down.
#
# **Huber's loss** is a square for small errors and a straight line for large ones:
#
# $$L_i = \begin{cases} \tfrac12 r_i^2 & \text{if } |r_i| \le \delta \\ \delta \, \big(|r_i| - \tfrac12 \delta\big) &
# \text{if } |r_i| > \delta \end{cases}$$
#
# - $r_i$: the error, in the label's unit (g or kcal).
# - $\delta$: where *small* ends, in the same unit. (This is a small delta. It has nothing to do with the margin
#   $\Delta$.)
#
# **Why the offset $\tfrac12\delta$?** It makes the two parts meet. At $|r| = \delta$ the first gives
# $\tfrac12\delta^2$, and the second gives $\delta(\delta - \tfrac12\delta)$, which is the same. Their slopes agree as
# well: both are $\delta$.
#
# **By hand** with $\delta = 2$: an error of 1 costs $\tfrac12 \cdot 1 = 0.5$. An error of $-5$ costs $2 \cdot
# (5 - 1) = 8$, where half the square would be 12.5. The mean of the two is 4.25.
#
# And what about the five doughnuts with the typing error? Let SciPy look for the best constant under Huber's loss with $\delta =
# 10$ g:

# %%
def mean_huber(answer, delta=10.0):
    return torch.nn.functional.huber_loss(torch.full((5,), answer), torch.tensor(typed), delta=delta).item()


best = minimize_scalar(mean_huber, bounds=(50, 200), method="bounded", options={"xatol": 1e-6}).x
print(f"Huber's loss: {best:.2f} g")

# %% [markdown]
# The wrong label still pulls, but no harder than an error of 10 g would.
#
# Here is an error that is easy to make: energy labels come in kilocalories and in kilojoules, and 1 kcal is 4.184 kJ.
# The figure has twelve made-up doughnuts with 421 kcal per 100 g, as in the USDA's table (SR27, food 18255), and a
# little noise. The last label was typed in kJ. A straight line is fitted with each of the three losses.
#
# 1. Set the last label to its *right* value: the three lines agree. Then move it away step by step. Which line moves
#    first?
# 2. Raise $\delta$ until Huber's line coincides with the squared one. Lower it to 1. Which line is it close to now?
# 3. In the lower left panel, what does $\delta$ do to the slope?

# %%
rng = np.random.default_rng(seed)
grams = rng.uniform(40, 100, 12).round()
kcal = (4.21 * grams + rng.normal(0, 12, 12)).round()

# %% tags=["demo"]
figs.huber_explorer(grams, kcal, delta=20.0)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# The squared line moves first, and it keeps moving as far as you move the label. Huber's line follows only as long as
# the error is below δ, and then hardly moves any more. The absolute line stays nearly where it was. With a δ above all
# errors, every error is on the square part, so Huber's line is the squared one. With δ = 1 nearly every error is on
# the straight part, so it is close to the absolute one. In the lower left panel δ is the limit of the slope: it rises
# in proportion to the error and is cut off at ±δ.
# </details>
#
# ### Exercise: `huber`
#
# The truth comes first, and the prediction second. `scipy.special` has a `huber` too, and the check does not accept it.

# %% exercise="05.huber"
def huber(y, y_hat, delta):
    """Huber's loss, the mean over the plates.

    Parameters
    ----------
    y : numpy.ndarray
        (N,) floats: the truth.
    y_hat : numpy.ndarray
        (N,) floats: predictions, in the same unit.
    delta : float
        Above 0. With r = y_hat - y, a plate costs r**2 / 2 where |r| <= delta, and
        delta * (|r| - delta / 2) elsewhere.

    Returns
    -------
    float
        One number. The inputs are left as they are.

    Example
    -------
    >>> float(huber(np.array([10.0, 20.0]), np.array([11.0, 15.0]), 2.0))
    4.25
    """
    ### BEGIN SOLUTION
    r = np.abs(y_hat - y)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean()
    ### END SOLUTION

# %% check="05.huber"
check("05.huber", huber)

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** You add 100 to all three scores of a plate. What happens to its probabilities?
#
# - a) They are all multiplied by $e^{100}$.
# - b) Nothing.
# - c) They come closer to 1/3.
# - d) The largest comes closer to 1.
#
# **2.** A fresh network gives all 5 dishes the score 0. What is its cross-entropy, about?
#
# - a) 0
# - b) 1
# - c) 1.61
# - d) 0.2
#
# **3.** A plate has the scores 9, 2, 1, the first dish is correct, and $\Delta = 1$. Which loss still has a slope?
#
# - a) Cross-entropy has a small one; the hinge loss has none.
# - b) Neither has one.
# - c) The hinge loss has one; cross-entropy has none.
# - d) Both have one.
#
# **4.** A single plate. The network gives the correct dish the probability 0.3. What is the slope of the cross-entropy
# for that dish's score?
#
# - a) 0
# - b) 0.3
# - c) 0.7
# - d) $-0.7$
#
# **5.** The labels are in grams, and one in a hundred of them has a zero too many. Which loss gives these labels the
# least influence?
#
# - a) the squared error
# - b) Huber's loss, with $\delta$ at a few grams
# - c) cross-entropy
# - d) the squared error with an L2 penalty

# %% exercise="05.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "d"
answer_5 = "b"
### END SOLUTION

# %% check="05.quiz"
check("05.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A loss says in one number how wrong the scores are, and unlike accuracy it has a slope to follow.
# - The hinge loss asks for a margin and is then satisfied. Cross-entropy asks for probability and is never quite
#   satisfied. To minimize it is to maximize the likelihood of the labels.
# - Two classes need one score. Sigmoid and binary cross-entropy are logistic regression, and the neuron of chapter 02
#   followed its gradient.
# - A row of $W$ is a template: what speaks for a class and what against it. Whether a classifier's probabilities can be
#   believed shows in a reliability diagram.
# - Softmax depends only on differences between scores. So subtract each plate's largest score, and nothing overflows.
# - The gradient of cross-entropy is what the network says, minus what is true.
# - A penalty on the squared weights prefers many small weights to one large one. Biases are not penalized.
# - With the squared error the worst label has the most influence. Huber's loss puts a limit on it.
#
# ### Cheat sheet
#
# | what | formula | shape |
# |---|---|---|
# | scores | $S = X W^\top + b$ | $(N, D), (K, D), (K,) \to (N, K)$ |
# | hinge | $\frac1N \sum_i \sum_{j \ne y_i} \max(0, s_j - s_{y_i} + \Delta)$ | one number |
# | its gradient | 1 for each wrong dish inside the margin, minus their count for the correct one, over $N$ | $(N, K)$ |
# | softmax | $e^{s_k} / \sum_j e^{s_j}$, after subtracting the row's largest | $(N, K)$, rows add up to 1 |
# | cross-entropy | $\frac1N \sum_i \big(\ln \sum_j e^{s_j} - s_{y_i}\big)$ | one number; $\ln K$ at the start |
# | its gradient | $(p - \text{onehot}(y))/N$ | $(N, K)$, rows add up to 0 |
# | binary cross-entropy | mean of $\max(z, 0) - y z + \ln(1 + e^{-\lvert z\rvert})$ | from $(N,)$ scores and labels, one number |
# | its gradient | $(\sigma(z) - y)/N$ | $(N,)$ |
# | L2 penalty | $\lambda \sum W_{kd}^2$, no biases | one number |
# | Huber | $\frac12 r^2$ up to $\delta$, then $\delta(\lvert r\rvert - \frac12\delta)$ | mean over $(N,)$ |
#
# In PyTorch: `cross_entropy` takes scores, not probabilities, and does the shift for you. `multi_margin_loss` divides
# by $K$ as well. `huber_loss` is yours; `smooth_l1_loss` is Huber's divided by $\delta$.
#
# ### Words
#
# - **binary cross-entropy**: cross-entropy for a question with two answers and one score.
# - **calibration**: whether, of all the answers given with probability 0.8, about 80 % are right.
# - **confidence**: the probability that a classifier gives to the class that it names.
# - **cross-entropy**: minus the logarithm of the probability that the network gives the true class; the mean over the
#   batch.
# - **hinge loss**: a loss that requires the true class's score to exceed every other score by a margin.
# - **Huber loss**: squared for small residuals, linear for large ones.
# - **L2 penalty**: a term of the loss that grows with the squared weights. Its gradient shrinks them, hence **weight
#   decay**.
# - **likelihood**: the probability that a model gives to what was observed. Minus its logarithm is the **negative
#   log-likelihood**.
# - **linear classifier**: scores that are weighted sums of the input, $x W^\top + b$.
# - **logistic regression**: one weighted sum and a sigmoid, trained with cross-entropy; with a softmax and several
#   classes, **softmax regression**.
# - **logits**: the scores before a softmax or a sigmoid.
# - **loss**: the number that says how wrong the answers are, and that training makes smaller; also called cost or
#   objective.
# - **margin**: by how much the right score has to lead.
# - **one-hot**: a label as a row of zeros with a 1 at the correct class.
# - **outlier**: an observation far from all others, such as a typing error.
# - **regularization**: whatever keeps a model from overfitting, such as a penalty on its weights.
# - **reliability diagram**: the share of right answers for each bin of confidence.
# - **softmax**: $e^{s_k} / \sum_j e^{s_j}$, which turns scores into probabilities.
# - **template**: a row of $W$, seen as a picture of what speaks for its class.
#
# ### Next
#
# You know how the loss changes with the scores. But the scores come from weights, through one layer after another, and
# it is the weights that must change. Chapter 06 carries the gradient back through all the layers, one step of the
# chain rule at a time.
#
# ### Further reading
#
# - [cs231n, Linear classification](https://cs231n.github.io/linear-classify/): templates, hinge and softmax side by
#   side, with a [demo](http://vision.stanford.edu/teaching/cs231n-demos/linear-classify/) in which you drag the
#   boundaries.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap3.html), chapter
#   3: why cross-entropy learns faster than the squared error, and regularization.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/ml.html), chapter 5:
#   losses as likelihoods; [chapter 7](https://www.deeplearningbook.org/contents/regularization.html): penalties.
# - Peter Huber, [Robust estimation of a location parameter](https://doi.org/10.1214/aoms/1177703732), 1964: where the
#   loss comes from.
# - PyTorch, [loss functions](https://pytorch.org/docs/stable/nn.html#loss-functions): what is ready to use.
