# %% [markdown]
# # 02 Neurons and activations
#
# MealoMi looks at your plate and must decide: *is that a doughnut?* In this chapter you build the smallest thing that
# can decide, a neuron, and you train it. Then you put neurons side by side in a layer, and layers one after the other in
# a network, and you find out what goes wrong when there are many layers.
#
# **When you are done, you can**
#
# - compute a neuron, a layer and a network, by hand and in NumPy;
# - train a neuron, and say what a learning rate and an epoch are;
# - choose an activation function, and say where it saturates;
# - count the parameters of a network;
# - measure how a signal and its gradient vanish on the way through many layers, and say why;
# - say what a single neuron cannot do, and let two layers do it.
#
# **What you build**: `neuron`, `sigmoid`, `update_neuron` and `train_neuron`, with which your first model learns; the
# slopes `sigmoid_grad`, `tanh_grad` and `relu_grad`, `relu`, `dense_forward`, `mlp_forward`, `count_parameters`,
# `dead_fraction`, and in `xor_weights` nine numbers that do what no single neuron can.
#
# **Time**: about 160 minutes, with a resting point after section 5. **You need**: Python and NumPy arrays,
# derivatives from school, and chapter 01's idea of a feature.

# %%
import matplotlib.pyplot as plt
import numpy as np

from introdl import check, data, figures, hint
from introdl.figures import neurons as figs

figures.use_style()

# %% tags=["parameters"]
seed = 0        # every random number below comes from this
depth = 20      # layers in the experiment of section 8

# %% [markdown]
# If an exercise is hard, call `hint("02.neuron")` in a cell of your own, with the exercise's id. Each call shows one
# more hint.
#
# ## 1. From nerve cells to artificial neurons
#
# A nerve cell receives signals from other cells at its **synapses**. Some synapses are strong, some are weak, and some
# work against the rest. The cell body adds up what arrives, and when the sum is large enough, the cell passes a signal
# on along its **axon**.
#
# An artificial neuron keeps three of these steps and drops everything else. It **weights** its inputs, **sums** them
# up, and **squashes** the sum, here into a number between 0 and 1.

# %%
x = np.array([0.9, 0.8, 0.6])       # a plate: how round, how clear a hole, how shiny (0 to 1)
w = np.array([2.0, 4.0, 1.0])       # a weight for each
figs.anatomy(x, w, b=-4.0, names=("round", "hole", "shine"))

# %% [markdown]
# Read the lower half from left to right; it is the whole chapter in one picture. The three **features** of the plate
# are 0.9, 0.8 and 0.6. (They are made up for this lesson. An app would measure them from the picture, as in chapter 01.)
#
# <details><summary>How many of these cells does a brain have?</summary>
#
# Three numbers are quoted often:
#
# - about **10¹¹ neurons**; a careful count gives 8.6 × 10¹⁰ ([Azevedo and others
#   2009](https://doi.org/10.1002/cne.21974));
# - about **7,000 synapses** for each nerve cell of the neocortex, which has some 2 × 10¹⁰ of them ([Drachman
#   2005](https://doi.org/10.1212/01.WNL.0000166914.38327.BB));
# - about **10¹⁵ synapses** at three years of age, falling to **1 to 5 × 10¹⁴** in an adult (same source).
#
# Multiply them before you trust them. All neurons times 7,000 would be 7 × 10¹⁴ synapses, more than an adult has,
# because 7,000 holds for the neocortex only. The neocortex alone gives 1.4 × 10¹⁴, which fits. So these numbers are
# right to within a factor of a few. For comparison, the language model GPT-3 has 1.75 × 10¹¹ weights ([Brown and
# others 2020](https://arxiv.org/abs/2005.14165)), far fewer. But a synapse is a living thing and a weight is a
# number: the brain gave this field some of its words and its first idea, and no more than that.
# </details>
#
# Now for the artificial side. Suppose that a neuron looks at a whole picture, with one weight for each number in it.

# %%
picture = data.doughnut()
height, width, colors = picture.shape
print(f"{height} x {width} pixels x {colors} colors = {picture.size:,} numbers")
print(f"one neuron on all of them: {picture.size:,} weights + 1 bias = {picture.size + 1:,} to learn")

fig, ax = plt.subplots(figsize=(2.6, 2.6))
ax.imshow(picture)
ax.axis("off")
figures.show(fig, "The picture that the neuron looks at: a doughnut on a plate.")

# %% [markdown]
# ## 2. One neuron
#
# Do it by hand first. The plate is $x = [0.9, 0.8, 0.6]$, the weights are $w = [2, 4, 1]$, and the bias is $b = -4$:
#
# $$z = 0.9 \cdot 2 + 0.8 \cdot 4 + 0.6 \cdot 1 - 4 = 1.8 + 3.2 + 0.6 - 4 = 1.6$$
#
# The sum is above 0, so the neuron leans toward "doughnut". For a pizza, $x = [0.9, 0, 0.3]$, it is 1.8 + 0 + 0.3 −
# 4 = −1.9, which is below 0: no doughnut. The hole has the largest weight, and the pizza has no hole.
#
# In general,
#
# $$z = \sum_{d=1}^{D} x_d\, w_d + b$$
#
# | symbol | name | shape |
# |---|---|---|
# | $x$ | inputs, or features | `(D,)` |
# | $w$ | weights: how much each input counts, and in which direction | `(D,)` |
# | $b$ | bias: how easily the neuron says yes | a number |
# | $z$ | weighted sum, or **pre-activation** | a number |
#
# ### Exercise: `neuron`
#
# Write the weighted sum. No squashing yet.

# %% exercise="02.neuron"
def neuron(x, w, b):
    """Return the weighted sum z of one neuron, with no activation.

    Parameters
    ----------
    x : numpy.ndarray
        (D,): inputs. Left unchanged.
    w : numpy.ndarray
        (D,): weights. Left unchanged.
    b : float
        Bias.

    Returns
    -------
    float
        x[0] * w[0] + x[1] * w[1] + ... + b, a single number.

    Example
    -------
    >>> neuron(np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.0, -1.0]), 4.0)
    3.0
    """
    ### BEGIN SOLUTION
    return float(np.sum(x * w) + b)
    ### END SOLUTION

# %% check="02.neuron"
check("02.neuron", neuron)

# %% [markdown]
# ### What the weights mean
#
# With two features you can see all possible plates at once: each plate is a point in a plane. The neuron says
# "doughnut" where z > 0 and "other" where z < 0. In between, at z = 0, is the **decision boundary**. With two inputs
# it is a straight line.

# %%
rng = np.random.default_rng(seed)
centers = np.repeat([[0.80, 0.75], [0.85, 0.15], [0.32, 0.70], [0.28, 0.22]], [12, 4, 4, 4], axis=0)
plates = np.clip(centers + 0.05 * rng.normal(size=centers.shape), 0.02, 0.98)   # (24, 2): round, hole
is_doughnut = np.repeat([1, 0], [12, 12])     # then four pizzas, four pretzels, four bowls of noodles

# %% tags=["demo"]
figs.one_neuron(plates, is_doughnut, names=("x₁: how round", "x₂: how clear a hole"))

# %% [markdown]
# At the start the neuron looks at roundness alone, so every pizza passes for a doughnut. Move the sliders (with the
# mouse, or with Tab and the arrow keys) and find out:
#
# 1. What does **b** do to the line? And what do the weights do?
# 2. Can you get all 24 right? There are many ways.
# 3. Once you have, halve all three numbers. Does the line move? Does the shading change?
#
# <details><summary>What you should have seen</summary>
#
# The bias shifts the line without turning it. The weights turn it: together they are an arrow at a right angle to the
# line, which points to the side where z > 0. Both weights must be positive here, since a doughnut is round *and* has a
# hole, and the bias must be clearly negative, since one of the two is not enough. For example <code>w₁ = 6, w₂ = 6,
# b = −7.6</code> works. When you halve all three, the line stays where it is, because where z was 0 it is still 0. Only
# the neuron's confidence shrinks: the shading fades.
# </details>

# %%
z = plates @ np.array([6.0, 6.0]) - 7.6
print("right:", np.sum((z > 0) == is_doughnut), "of", len(plates))
z = plates @ np.array([3.0, 3.0]) - 3.8
print("halved:", np.sum((z > 0) == is_doughnut), "of", len(plates))

# %% [markdown]
# ### What one neuron cannot do: XOR
#
# Here is a rule that any cook knows. A plate with custard is nice, and a plate with gravy is nice. A plate with
# neither is dry, and a plate with both goes back to the kitchen. "One or the other, but not both" is called
# **exclusive or**, XOR.
#
# Let us try 100,000 neurons with random weights and keep the best.

# %%
corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)      # custard, gravy
nice = np.array([0, 1, 1, 0])

rng = np.random.default_rng(seed)
w_tries, b_tries = rng.normal(size=(100_000, 2)), rng.normal(size=100_000)
says_nice = corners @ w_tries.T + b_tries > 0               # (4, 100000): one row per corner, one column per try
right = (says_nice == nice[:, None]).sum(axis=0)            # (100000,): corners right
for count in range(5):
    print(f"{count} of 4 right: {np.sum(right == count):6,} neurons")
best = np.argmax(right)
figs.corners(w_tries[best], b_tries[best], "The best of 100,000 random neurons: still one corner wrong")

# %% [markdown]
# None gets all four corners right, and none can. Suppose that one could, and write down what it has to say at each
# corner:
#
# $$b \le 0, \qquad w_1 + b > 0, \qquad w_2 + b > 0, \qquad w_1 + w_2 + b \le 0$$
#
# Add the two conditions in the middle: $w_1 + w_2 + 2b > 0$. Add the first and the last: $w_1 + w_2 + 2b \le 0$. Both
# cannot hold.
#
# The technical term is that the corners are not **linearly separable**. You need more than one neuron, and something between
# them. Keep this puzzle in mind; in section 9 you solve it with nine numbers.

# %% [markdown]
# ## 3. The sigmoid: from a weighted sum to a probability
#
# Is z = 1.6 a clear yes? An **activation function** (or just *activation*) turns the sum into something easier to use.
# A classic one is the **sigmoid**, also called the *logistic function*, which maps any number to one between 0 and 1:
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# Here $z$ is the weighted sum, of any shape, and $a = \sigma(z)$, the **activation**, has the same shape: the function
# acts on each number separately. By hand: σ(0) = 1 / (1 + 1) = 0.5, undecided. For the doughnut $e^{-1.6} = 0.202$, so
# σ(1.6) = 1 / 1.202 = 0.832, "83 % doughnut". For the pizza $e^{1.9} = 6.69$, so σ(−1.9) = 1 / 7.69 = 0.130.
#
# A neuron with a sigmoid is exactly **logistic regression** with two classes, and its $z$ is then called a **logit**.

# %%
for name, score in (("undecided", 0.0), ("doughnut", 1.6), ("pizza", -1.9)):
    print(f"{name:10s} z = {score:5.1f}   sigmoid = {1 / (1 + np.exp(-score)):.3f}")

# %% [markdown]
# ### Overflow: when numbers get too large
#
# The formula is right, but on a computer it can still fail. A float64 cannot go beyond about 1.8 × 10³⁰⁸. Watch `exp`
# near that limit:

# %%
with np.errstate(all="ignore"):          # NumPy would warn; we look on purpose
    for exponent in (-1000.0, 700.0, 709.0, 710.0, 1000.0):
        print(f"exp({exponent:6.0f}) = {np.exp(exponent):.3g}")
    for z in (-1000.0, 1000.0):
        print(f"z = {z:6.0f}:   1 / (1 + exp(-z)) = {1 / (1 + np.exp(-z))}    exp(z) / (exp(z) + 1) = {np.exp(z) / (np.exp(z) + 1)}")

# %% [markdown]
# A large negative exponent is harmless: the result is 0. A large positive one gives infinity. The cell tries the sigmoid in
# two forms, which are the same fraction (multiply numerator and denominator by $e^z$):
#
# $$\frac{1}{1 + e^{-z}} \;=\; \frac{e^{z}}{e^{z} + 1}$$
#
# The right form is in trouble where $z$ is large: infinity over infinity is `nan`, "not a number", and one `nan` in a
# network turns every number after it into `nan`. The left form is luckier where $z$ is very negative, because 1 over infinity
# is 0. But NumPy warns of the overflow all the same, and whatever else you compute from that exponential, such as a
# logarithm or a slope, is lost. A sum of 1000 is rare, but in a long training run rare things happen often. So use each form
# on the side of zero where its exponent is not positive.
#
# ### Exercise: `sigmoid`
#
# Write a sigmoid that is right at z = 1000 and at z = −1000, without a warning on the way.

# %% exercise="02.sigmoid"
def sigmoid(z):
    """Return the sigmoid of every entry of z, without overflow.

    Parameters
    ----------
    z : numpy.ndarray
        Of any shape, floats or whole numbers: weighted sums, as far out as -1000 and 1000.
        Left unchanged.

    Returns
    -------
    numpy.ndarray
        Floats of z's shape: 1 / (1 + exp(-z)), between 0 and 1. NumPy may not warn on the way:
        a RuntimeWarning counts as wrong.

    Example
    -------
    >>> sigmoid(np.array([0.0, 1.6, -1000.0]))
    array([0.5       , 0.83201839, 0.        ])
    """
    ### BEGIN SOLUTION
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)
    ### END SOLUTION

# %% check="02.sigmoid"
check("02.sigmoid", sigmoid)

# %% [markdown]
# ## 4. Train a neuron
#
# So far a person has set the weights. Now let the neuron find them. Show it a plate, compare its probability $p$ with
# the right answer $y$, which is 1 for a doughnut and 0 for another dish, and change the weights a little so that the
# **error** $p - y$ comes closer to 0. Then show it the next plate.
#
# **By hand.** Take the neuron that the sliders above started with, $w = [4, 0]$ and $b = -2$, and show it a pizza: round, with
# hardly a hole, $x = [0.9, 0.1]$. It says
#
# $$z = 0.9 \cdot 4 + 0.1 \cdot 0 - 2 = 1.6, \qquad p = \sigma(1.6) = 0.832, \qquad p - y = 0.832 - 0 = 0.832$$
#
# "83 % doughnut" is far too much. Who is to blame? Roundness above all, since its input was large. So take from each
# weight the error times its input, but only half of it, so that one odd plate cannot spoil everything:
#
# | | before | minus | after |
# |---|---|---|---|
# | $w_1$ | 4 | $0.5 \cdot 0.832 \cdot 0.9 = 0.374$ | 3.626 |
# | $w_2$ | 0 | $0.5 \cdot 0.832 \cdot 0.1 = 0.042$ | −0.042 |
# | $b$ | −2 | $0.5 \cdot 0.832 = 0.416$ | −2.416 |
#
# Look at the same pizza again: $z = 0.9 \cdot 3.626 - 0.1 \cdot 0.042 - 2.416 = 0.843$, so $p = 0.699$. From 83 % down to
# 70 %, in one step. In general,
#
# $$w \leftarrow w - \eta\,(p - y)\,x, \qquad b \leftarrow b - \eta\,(p - y), \qquad p = \sigma(x \cdot w + b)$$
#
# | symbol | name | shape |
# |---|---|---|
# | $x$, $w$, $b$ | inputs, weights and bias, as before | `(D,)`, `(D,)`, a number |
# | $y$ | **label**: 1 for yes, 0 for no | a number |
# | $p$ | the neuron's probability of yes | a number, 0 to 1 |
# | $\eta$ | **learning rate**, in code `lr`: how much of the correction to take | a number above 0 |
#
# The formula is easy to read. If $p$ is too high, the weights of positive inputs go down; if it is too low, they go
# up. A plate on which the neuron is nearly right changes hardly anything. And an input of 0 leaves its weight alone,
# because it had no part in the answer. Why this rule and no other? That is the subject of chapters 05 to 07: it is
# *stochastic gradient descent* on the *cross-entropy*.
#
# ### Exercise: `update_neuron`
#
# One step, for one plate. You may call your `sigmoid`. The checks of this section do not accept torch or scikit-learn.

# %% exercise="02.update_neuron"
def update_neuron(x, y, w, b, lr):
    """Return a neuron's weights and bias after one step of learning from one sample.

    Parameters
    ----------
    x : numpy.ndarray
        (D,): inputs. Left unchanged.
    y : int
        The label, 0 or 1.
    w : numpy.ndarray
        (D,): weights before the step. Left unchanged: the new ones are a new array.
    b : float
        Bias before the step.
    lr : float
        Learning rate, above 0.

    Returns
    -------
    w : numpy.ndarray
        (D,): w - lr * (p - y) * x, where p is the sigmoid of x @ w + b. That sum lies between -20 and 20
        here.
    b : float
        b - lr * (p - y), with the same p.

    Example
    -------
    >>> w, b = update_neuron(np.array([0.9, 0.1]), 0, np.array([4.0, 0.0]), -2.0, 0.5)
    >>> w.round(3), round(float(b), 3)
    (array([ 3.626, -0.042]), -2.416)
    """
    ### BEGIN SOLUTION
    p = 1 / (1 + np.exp(-(x @ w + b)))
    error = p - y
    return w - lr * error * x, b - lr * error
    ### END SOLUTION

# %% check="02.update_neuron"
check("02.update_neuron", update_neuron)

# %% [markdown]
# ### Epochs
#
# One plate is not enough. Go through all of them, one step for each; such a pass is called an **epoch**. Then do it
# again, because the weights are still far from good. The order matters a little: if all the doughnuts came first, the
# other dishes would have the last word in every epoch. That is why the plates are shuffled first.

# %%
order = np.random.default_rng(seed).permutation(len(plates))
X_plates, y_plates = plates[order], is_doughnut[order]
print("the first six plates:", ["doughnut" if label else "other" for label in y_plates[:6]])

# %% [markdown]
# ### Exercise: `train_neuron`
#
# Start with zeros, so that the neuron says 0.5 to everything, and let it learn.

# %% exercise="02.train_neuron"
def train_neuron(X, y, lr, epochs):
    """Train a neuron from zero: in each epoch one step for each sample, in the order given.

    Parameters
    ----------
    X : numpy.ndarray
        (N, D): a sample in each row. Left unchanged.
    y : numpy.ndarray
        (N,) of 0 and 1: the labels. Left unchanged.
    lr : float
        Learning rate.
    epochs : int
        How many times to go through all samples, at least once.

    Returns
    -------
    w : numpy.ndarray
        (D,): the weights after the last step. They begin at 0.
    b : float
        The bias after the last step. It begins at 0.

    Example
    -------
    >>> w, b = train_neuron(np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([0, 1]), 1.0, 1)
    >>> w.round(3), round(float(b), 3)     # after the first step -0.5, 0.0 and -0.5
    (array([0.231, 1.462]), 0.231)
    """
    ### BEGIN SOLUTION
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            p = 1 / (1 + np.exp(-(x @ w + b)))
            w = w - lr * (p - label) * x
            b = b - lr * (p - label)
    return w, b
    ### END SOLUTION

# %% check="02.train_neuron"
check("02.train_neuron", train_neuron)

# %% [markdown]
# Your neuron has never been told what a doughnut is. Let it find out. (Until you have written `train_neuron`, the cell
# tells you so.)

# %%
try:
    for epochs in (1, 5, 10, 100):
        w, b = train_neuron(X_plates, y_plates, lr=0.3, epochs=epochs)
        right = np.sum((X_plates @ w + b > 0) == y_plates)
        print(f"after {epochs:3d} epochs: w = {w.round(1)}, b = {b:5.1f}, {right} of {len(y_plates)} plates right")
except NotImplementedError:
    print("Write train_neuron first, then run this cell again.")

# %% [markdown]
# That is learning, in about six lines. (Whether the neuron is as good on plates that it has not seen is chapter 01's
# question, and you would ask it of others than these 24.) The figure shows the same training. On the left
# the decision boundary moves. On the right is the **loss**, one number that says how wrong the neuron is: for each
# plate $-\ln$ of the probability that it gave to the right answer, averaged over the plates. A doughnut at $p = 0.832$
# costs $-\ln 0.832 = 0.184$; another dish at $p = 0.832$ has only $1 - 0.832 = 0.168$ left for the right answer, and costs
# $-\ln 0.168 = 1.784$. (Chapter 05 says why the logarithm.)
#
# 1. Step through the epochs at learning rate 0.3. When are all plates right? What still changes after that?
# 2. Take 0.01. How far does the neuron get?
# 3. Take 10, and look at the first five epochs. What goes wrong, and is it lost for good?

# %% tags=["demo"]
figs.training_neuron(X_plates, y_plates, names=("x₁: how round", "x₂: how clear a hole"))

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# At 0.3 all 24 are right after ten epochs. The loss goes on falling, because the weights keep growing: the line
# hardly moves, and the neuron becomes more confident. At 0.01 the neuron takes the same path thirty times more
# slowly, and 100 epochs are not enough: the loss has come down from 0.69 to 0.53, and four plates are still wrong. At
# 10 the steps are too large. After epochs 2 and 3 the loss is higher than at the start, and 11 plates are wrong,
# since each plate throws the line past the others. Here it recovers, because there is a line that separates the plates;
# then the errors shrink, and the steps with them. Do not count on it.
# </details>
#
# And XOR? Training cannot do what no weights can. With small steps the neuron ends up undecided:

# %%
w, b = figs.trained(corners, nice, rate=0.1, epochs=1000)[-1]
for corner, label in zip(corners, nice, strict=True):
    print(f"custard {corner[0]:.0f}, gravy {corner[1]:.0f}: says {1 / (1 + np.exp(-(corner @ w + b))):.2f}, right is {label}")

# %% [markdown]
# ## 5. Slopes, and what saturation does
#
# A network learns by asking of every weight: *if this number were a little larger, would the answer get better?* The
# effect of such a small change has to pass through the activation, and what it is multiplied by there is the
# **slope**, or derivative. Where the curve is steep, a small change of z moves the output. Where the curve is flat,
# the change is lost, and the weights before it have nothing to learn from. Chapters 06 and 07 make this exact. Here
# you find the slopes.
#
# How steep is the sigmoid at z = 1.6? Take a small step to each side, and divide:

# %%
step = 0.001
above, below = 1 / (1 + np.exp(-(1.6 + step))), 1 / (1 + np.exp(-(1.6 - step)))
print(f"({above:.6f} - {below:.6f}) / {2 * step} = {(above - below) / (2 * step):.4f}")

# %% [markdown]
# There is a formula. Write $s = 1/u$ with $u = 1 + e^{-z}$, so $u' = -e^{-z}$. Then
#
# $$\sigma'(z) = -\frac{u'}{u^2} = \frac{1}{u} \cdot \frac{e^{-z}}{u} = s\,(1 - s)$$
#
# The last step uses $e^{-z} = u - 1$, so $e^{-z}/u = 1 - 1/u = 1 - s$. Here $s = \sigma(z)$ is the **output**, which
# has the same shape as z. Check it by hand at 1.6: 0.832 · (1 − 0.832) = 0.832 · 0.168 = 0.140, the same as above.
#
# The sigmoid is steepest at z = 0, where its slope is 0.5 · 0.5 = **0.25**. Remember that number.
#
# ### Exercise: `sigmoid_grad`

# %% exercise="02.sigmoid_grad"
def sigmoid_grad(z):
    """Return the slope of the sigmoid at every entry of z.

    Parameters
    ----------
    z : numpy.ndarray
        Of any shape: weighted sums (not the sigmoid's outputs), between -6 and 6 here. Left
        unchanged.

    Returns
    -------
    numpy.ndarray
        Of z's shape: the derivative of the sigmoid at z.

    Example
    -------
    >>> sigmoid_grad(np.array([0.0, 1.6]))
    array([0.25      , 0.13976379])
    """
    ### BEGIN SOLUTION
    s = 1.0 / (1.0 + np.exp(-z))
    return s * (1.0 - s)
    ### END SOLUTION

# %% check="02.sigmoid_grad"
check("02.sigmoid_grad", sigmoid_grad)

# %% [markdown]
# ### tanh: a sigmoid centered on 0
#
# A sigmoid's outputs are all positive. Its relative **tanh**, the hyperbolic tangent, runs from −1 to 1 and passes
# through 0:
#
# $$\tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}} = 2\,\sigma(2z) - 1$$
#
# As the right side shows, it is a sigmoid, stretched and shifted. With $t = \tanh(z)$, of the same shape as z, its
# slope is
#
# $$\tanh'(z) = 1 - t^2$$
#
# By hand: tanh(1) = 0.762, so the slope there is 1 − 0.762² = 1 − 0.580 = 0.420. At z = 0 it is 1 − 0 = 1, four times
# the largest slope of the sigmoid.
#
# ### Exercise: `tanh_grad`

# %% exercise="02.tanh_grad"
def tanh_grad(z):
    """Return the slope of tanh at every entry of z.

    Parameters
    ----------
    z : numpy.ndarray
        Of any shape: weighted sums (not the outputs of tanh). Left unchanged.

    Returns
    -------
    numpy.ndarray
        Of z's shape: the derivative of tanh at z.

    Example
    -------
    >>> tanh_grad(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    ### BEGIN SOLUTION
    t = np.tanh(z)
    return 1.0 - t * t
    ### END SOLUTION

# %% check="02.tanh_grad"
check("02.tanh_grad", tanh_grad)

# %% [markdown]
# ### ReLU: no saturation on the right
#
# The third activation is the simplest: positive sums pass unchanged, and negative ones become 0. It is called
# **ReLU**, for *rectified linear unit*:
#
# $$\text{ReLU}(z) = \max(0, z)$$
#
# By hand: ReLU of [−2, 0, 3] is [0, 0, 3]. There is no `exp`, so nothing can overflow.
#
# ### Exercise: `relu`

# %% exercise="02.relu"
def relu(z):
    """Return z where it is positive, and 0 elsewhere.

    Parameters
    ----------
    z : numpy.ndarray
        Of any shape: weighted sums. Left unchanged: the result is a new array.

    Returns
    -------
    numpy.ndarray
        Of z's shape.

    Example
    -------
    >>> relu(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 3.])
    """
    ### BEGIN SOLUTION
    return np.maximum(z, 0.0)
    ### END SOLUTION

# %% check="02.relu"
check("02.relu", relu)

# %% [markdown]
# Its slope is just as simple: 1 on the right, where the curve is the line z, and 0 on the left, where it is flat. At
# z = 0 there is a corner, which has no slope, so someone has to choose one. This course, like PyTorch, chooses **0**.
#
# ### Exercise: `relu_grad`

# %% exercise="02.relu_grad"
def relu_grad(z):
    """Return the slope of ReLU at every entry of z.

    Parameters
    ----------
    z : numpy.ndarray
        Of any shape: weighted sums. Left unchanged: the result is a new array.

    Returns
    -------
    numpy.ndarray
        Of z's shape: 1 where z > 0, and 0 where z < 0. Where z is exactly 0, the slope is 0.

    Example
    -------
    >>> relu_grad(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    ### BEGIN SOLUTION
    return np.where(z > 0, 1.0, 0.0)
    ### END SOLUTION

# %% check="02.relu_grad"
check("02.relu_grad", relu_grad)

# %% [markdown]
# ### Saturation
#
# Here are all three activations with their slopes.

# %%
figs.activations()

# %% [markdown]
# Where a curve is nearly flat, it is **saturated**. Move along each curve below and watch the dashed tangent become
# level.

# %% tags=["demo"]
figs.activation_explorer()

# %% [markdown]
# How quickly does the slope shrink? Here it is in numbers, as a share of each curve's largest slope:

# %%
print("   z    sigmoid      tanh   ReLU")
for point in (0.5, 2.0, 5.0, 10.0):
    sigmoid_share = 1 / np.cosh(point / 2) ** 2      # the sigmoid's slope over 0.25
    tanh_share = 1 / np.cosh(point) ** 2             # tanh's slope over 1
    print(f"{point:4.1f}   {sigmoid_share:7.3%}   {tanh_share:7.3%}   {1:.0%}")

# %% [markdown]
# At z = 5 a sigmoid has less than 3 % of its largest slope left, and tanh less than 0.1 %. At z = 10 both are
# practically flat. How bad that is depends on the loss, which says how wrong the answer was (chapter 05). With the
# *squared* loss, a neuron that is confident and wrong learns very slowly: at z = 10, with 0 as the right answer, the
# gradient of ½(σ(z) − 0)² is σ(z) · σ′(z) ≈ 0.00005. The *cross-entropy* loss is designed so that the flat part cancels:
# its gradient at the same place is σ(z) − 0 ≈ 0.99995. But that rescues only the last layer. In hidden layers a
# saturated unit passes hardly any gradient on, whichever loss comes at the end. (The rule of section 4 comes from the
# cross-entropy: its error is $p - y$, with no slope in it.)
#
# ReLU keeps its full slope however far you go to the right. On the left it has none at all, and we come back to that.
#
# **A resting point.** You have built a neuron and trained it, and you know its activations. What follows, layers and
# networks, can wait until tomorrow.

# %% [markdown]
# ## 6. A layer is a matrix product
#
# MealoMi has to know more than doughnuts. Give it a second neuron, for pizza, with a positive weight for *round* and a
# negative one for *hole*. Both neurons look at the same plates. Such a group of neurons (or **units**) side by side is
# a **layer**.
#
# Now you have four plates and two units, which makes eight weighted sums. Put a plate in each row of a matrix `x`, and
# a unit in each column of a matrix `W`:
#
# $$z = x\,W + b$$
#
# | symbol | name | shape |
# |---|---|---|
# | $x$ | a batch of N samples, D features each | `(N, D)` |
# | $W$ | weights: column m belongs to unit m | `(D, M)` |
# | $b$ | biases, one for each unit | `(M,)` |
# | $z$ | weighted sums: sample n, unit m | `(N, M)` |
#
# `xW` is the **matrix product**, `x @ W` in NumPy. Each entry is one neuron's sum: a row of `x` times a column of `W`,
# added up. Choose any entry:

# %%
x = np.array([[0.9, 0.8, 0.6], [0.9, 0.0, 0.3], [0.3, 0.7, 0.2], [0.2, 0.1, 0.5]])
W = np.array([[2.0, 3.0], [4.0, -5.0], [1.0, -1.0]])
b = np.array([-4.0, -1.0])

# %% tags=["demo"]
figs.layer_explorer(
    x, W, b,
    plates=["doughnut", "pizza", "pretzel", "noodles"],
    features=["round", "hole", "shine"],
    units=["doughnut", "pizza"],
)

# %% [markdown]
# Follow the shapes: `(4, 3) @ (3, 2)` gives `(4, 2)`. The two inner numbers must agree, and they disappear from the
# result. Then `b`, of shape `(2,)`, is added to every row; NumPy repeats it for you (**broadcasting**).
#
# ### Exercise: `dense_forward`
#
# A layer in which every unit sees every input is called **dense**, or fully connected. Write it. Loops are fine.

# %% exercise="02.dense_forward"
def dense_forward(x, W, b):
    """Return the weighted sums of a layer for a batch, with no activation.

    Parameters
    ----------
    x : numpy.ndarray
        (N, D): a sample in each row. Left unchanged.
    W : numpy.ndarray
        (D, M): a unit's weights in each column. Left unchanged.
    b : numpy.ndarray
        (M,): a bias for each unit. Left unchanged.

    Returns
    -------
    numpy.ndarray
        (N, M): entry [n, m] is the weighted sum of unit m for sample n.

    Example
    -------
    >>> W = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -1.0]])
    >>> dense_forward(np.array([[1.0, 2.0]]), W, np.array([0.0, 10.0, 0.5]))
    array([[ 1. , 12. ,  1.5]])
    """
    ### BEGIN SOLUTION
    out = np.zeros((x.shape[0], W.shape[1]))
    for m in range(W.shape[1]):
        out[:, m] = x @ W[:, m] + b[m]
    return out
    ### END SOLUTION

# %% check="02.dense_forward"
check("02.dense_forward", dense_forward)

# %% [markdown]
# Your loops and `x @ W + b` give the same numbers, but the matrix product is much faster, because its loops do not
# run in Python. (In chapter 03 you time such a race yourself.) This is why the whole field writes its layers as
# matrix products, and runs them on hardware that is built for them.

# %% [markdown]
# ## 7. Layers in sequence: the multilayer perceptron
#
# Feed the outputs of one layer into the next and you have a **network**. This kind is called a *multilayer
# perceptron*, **MLP**. The layers between input and output are **hidden**: the training data do not say what they
# should compute.
#
# First try it *without* activations, with two layers and nothing between them:
#
# $$(x\,W_1 + b_1)\,W_2 + b_2 \;=\; x\,\underbrace{W_1 W_2}_{W} \;+\; \underbrace{b_1 W_2 + b_2}_{b}$$
#
# The right side is a single layer. So two layers with nothing between them can compute no more than one layer can.
# Check it:

# %%
rng = np.random.default_rng(seed)
x = rng.normal(size=(5, 4))                                      # 5 samples, 4 features
W1, b1 = rng.normal(size=(4, 100)), rng.normal(size=100)         # 4 -> 100
W2, b2 = rng.normal(size=(100, 3)), rng.normal(size=3)           # 100 -> 3

two_layers = (x @ W1 + b1) @ W2 + b2
one_layer = x @ (W1 @ W2) + (b1 @ W2 + b2)
print("the same:", np.allclose(two_layers, one_layer))
print("two layers:", W1.shape, "and", W2.shape, "  one layer:", (W1 @ W2).shape)

# %% [markdown]
# A linear map followed by a linear map is linear. However many layers you stack this way, they draw one straight
# boundary. What makes depth worthwhile is the **nonlinear** function between the layers, the activation.
#
# ### Exercise: `mlp_forward`
#
# Run a batch through a list of layers. Apply ReLU after every layer **except the last**: the sums of the last layer
# are the network's answer, and an answer may be negative.

# %% exercise="02.mlp_forward"
def mlp_forward(x, layers):
    """Return a network's outputs for a batch: ReLU between the layers, none after the last.

    Parameters
    ----------
    x : numpy.ndarray
        (N, D): a sample in each row. Left unchanged.
    layers : list of (W, b)
        For each layer its weights (D, M) and biases (M,); one layer's M is the next one's D.
        At least one layer. The list and its arrays are left unchanged.

    Returns
    -------
    numpy.ndarray
        (N, K): the bare weighted sums of the last layer, which has K units.

    Example
    -------
    >>> W1, b1 = np.array([[1.0, -1.0]]), np.array([0.0, 0.0])
    >>> W2, b2 = np.array([[2.0], [3.0]]), np.array([-10.0])
    >>> mlp_forward(np.array([[1.0], [-1.0]]), [(W1, b1), (W2, b2)])
    array([[-8.],
           [-7.]])
    """
    ### BEGIN SOLUTION
    for W, b in layers[:-1]:
        x = np.maximum(x @ W + b, 0.0)
    W, b = layers[-1]
    return x @ W + b
    ### END SOLUTION

# %% check="02.mlp_forward"
check("02.mlp_forward", mlp_forward)

# %% [markdown]
# ### Counting parameters
#
# Everything in `W` and `b` is learned; these numbers are the network's **parameters**. Count them in a diagram. A
# network is often drawn as a **graph**: each unit is a node, and each weight an edge from one unit to a unit of the
# next layer. Take the sizes [3, 4, 2], that is, three features, four hidden units and two outputs. In the first layer
# 3 · 4 weights and 4 biases make 16. In the second 4 · 2 weights and 2 biases make 10. Together that is **26**.
#
# 1. Which edges belong to column 0 of the first `W`? And which to row 0?
# 2. Set *hidden 2* to 4. How many parameters does one more layer of four units cost? Which layer has the most now?
# 3. Double the hidden units, from 3 to 6, in one hidden layer and then in two. When does the number of parameters about double, and when does
#    it do more than that?

# %% tags=["demo"]
figs.network_explorer()

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# Column 0 of `W` holds the three edges in color, which run *into* the first hidden unit. Row 0 holds the four edges that
# run *out of* the first input, one to each hidden unit. One more layer of four units costs 4 · 4 + 4 = 20, more than
# either of the others has. With a single hidden layer every edge has one end in it, so when the hidden units go from 3 to 6, the count
# goes from 20 to 38 and nearly doubles. Between two hidden layers both ends of the edges double, so 3 · 3 = 9 edges become 6 · 6 = 36.
# </details>
#
# ### Exercise: `count_parameters`

# %% exercise="02.count_parameters"
def count_parameters(sizes):
    """Return how many numbers an MLP learns: all weights and all biases.

    Parameters
    ----------
    sizes : list of int
        Number of inputs, units of each hidden layer, number of outputs; at least two entries.

    Returns
    -------
    int

    Example
    -------
    >>> count_parameters([3, 4, 2])
    26
    """
    ### BEGIN SOLUTION
    total = 0
    for inputs, units in zip(sizes[:-1], sizes[1:], strict=True):
        total += inputs * units + units
    return total
    ### END SOLUTION

# %% check="02.count_parameters"
check("02.count_parameters", count_parameters)

# %% [markdown]
# Now show the picture of the doughnut to a modest dense network, with 196,608 inputs, 100 hidden units and 10 dishes.

# %%
first = picture.size * 100 + 100
second = 100 * 10 + 10
print(f"{first:,} in the first layer + {second:,} in the second = {first + second:,}")

# %% [markdown]
# That is nearly twenty million numbers, and 99.99 % of them are in the first layer. Each unit there learns separately
# about every single pixel, so a doughnut that moves by one pixel is a new picture to it. Keep that in mind for
# chapter 03.

# %% [markdown]
# ## 8. Vanishing gradients: a signal through 20 layers
#
# If one nonlinear layer is good, are more layers better? For a long time, deep networks were hard to train at all
# ([Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html) measured why). A number that you already
# know shows the trouble. Put twenty sigmoids one after the other. To learn something, the first of them needs to
# know what effect a change in it has at the end, and on the way each sigmoid multiplies that effect by its slope, which is **at
# most 0.25**:

# %%
print(f"0.25 to the power of {depth}: {0.25 ** depth:.1e}")

# %% [markdown]
# So if all weights were 1, at most about one part in 10¹² would reach the beginning. Real layers have weights of all
# sizes, and each unit sums over many inputs, so measure it instead. Send 200 random plates with 100 features through
# layers of 100 units. At each layer ask two things:
#
# - **Signal.** How much do a unit's outputs differ from plate to plate (standard deviation over the plates, mean over
#   the units)? If they are the same for all plates, the network has forgotten which plate it was.
# - **Gradient.** Start with random numbers at the end and send them back, layer by layer: times the slope, times the
#   weights. How large are they when they arrive? (Chapter 06 shows that this is how gradients travel.)

# %%
from scipy.special import expit      # SciPy's sigmoid

curves = {                            # name: (activation, its slope)
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (np.tanh, lambda z: np.cosh(z) ** -2.0),
    "ReLU": (lambda z: z.clip(min=0), lambda z: np.heaviside(z, 0.0)),
}


def send_signal(name, weight_std, rng, width=100, samples=200):
    """Send random samples through `depth` layers, and random gradients back.

    Returns the outputs, a list of depth + 1 arrays (samples, width), the input first; and depth + 1
    numbers, the mean size of the gradient at each of them, relative to the last.
    """
    activation, slope = curves[name]
    outputs, weights, sums = [rng.normal(size=(samples, width))], [], []
    for _ in range(depth):
        weights.append(weight_std * rng.normal(size=(width, width)))
        sums.append(outputs[-1] @ weights[-1])
        outputs.append(activation(sums[-1]))
    grad = rng.normal(size=(samples, width))
    sizes = [np.abs(grad).mean()]
    for W, z in zip(weights[::-1], sums[::-1], strict=True):
        grad = (grad * slope(z)) @ W.T
        sizes.append(np.abs(grad).mean())
    return outputs, np.array(sizes[::-1]) / sizes[0]


small, he, large = 0.01, np.sqrt(2 / 100), 1.0      # three spreads of the initial weights
results = {}
print(f"after {depth} layers       signal   gradient")
for weight_std in (small, he, large):
    for name in curves:
        outputs, gradients = send_signal(name, weight_std, np.random.default_rng(seed))
        signal = np.array([a.std(axis=0).mean() for a in outputs])
        results[name, weight_std] = signal, gradients
        print(f"{name:8s} spread {weight_std:.3f}   {signal[-1]:.0e}   {gradients[0]:.0e}")

# %% [markdown]
# "Spread" is the standard deviation of the initial weights. First take the small one, 0.01, which looks like a careful
# choice:

# %%
figs.signal_curves(
    {name: results[name, small] for name in curves}, "Small weights (spread 0.01): every signal vanishes"
)

# %% [markdown]
# Every curve but the sigmoid's signal falls by the same factor at each layer, which makes a straight line on this logarithmic axis. Take tanh: near zero
# its slope is 1, so a layer multiplies the signal by about $0.01 \cdot \sqrt{100} = 0.1$, and twenty layers multiply
# it by $0.1^{20} = 10^{-20}$. ReLU also silences half of the sums, so its signal falls a little faster. (The
# sigmoid's signal ends near 10⁻¹⁵, and that is not a signal but rounding: its outputs are all close to 0.5, where a
# float64 has about sixteen digits.)
#
# Now take a spread of $\sqrt{2/100} \approx 0.141$. It is the right one for 100 inputs *and ReLU* ([He and others
# 2015](https://arxiv.org/abs/1502.01852)):

# %%
figs.signal_curves(
    {name: results[name, he] for name in curves},
    "He's spread for ReLU (0.141): too small for the sigmoid",
)

# %% [markdown]
# ReLU and tanh carry the signal through, and the gradient back. The sigmoid loses both: about 10⁻¹⁰ is left of
# either. That is the **vanishing gradient**. But be fair to the sigmoid, since 0.141 was not chosen for it. Its slope
# is at most a quarter, so its weights have to be larger to make up for that. The table above also has a spread of
# 1.0. There the sigmoid's gradient arrives with about half its size (for the seeds 0 to 5 it is between 0.26 and
# 0.53; change `seed` at the top and look), while the gradient of tanh has grown to 10⁷ and that of ReLU to nearly
# 10¹⁷: it **explodes**. So each activation has a spread that suits it. What goes wrong first is the *initialization*,
# the choice of the weights to start with.
#
# Even with its best spread the sigmoid is at a disadvantage. Larger weights push the sums out to where the curve is
# flat, so that most units pass on very little of the gradient, and the balance between the two effects is hard to keep
# while the weights change in training. This is one reason why hidden layers today use ReLU and its relatives.
#
# Where does $\sqrt{2/D}$ come from? A sum of $D = 100$ products, each with a variance of $\text{spread}^2$ times the
# mean square of the inputs, has 100 times that variance. ReLU sets half of the sums to 0, and with them goes half of
# the mean square. To keep the mean square as it was, we need $100 \cdot \text{spread}^2 \cdot \tfrac12 = 1$. (The signal of
# the figure, the difference between plates, still shrinks on the way: look at ReLU in the table.) Chapter 07 comes back to
# this.
#
# Why draw the weights at random at all? The neuron of section 4 began at 0. A layer must not: units with equal weights
# compute the same, get the same gradient, and stay equal forever, as if they were a single unit. The random start
# breaks this **symmetry**.

# %% tags=["demo"]
figs.signal_explorer(send_signal, seed)

# %% [markdown]
# 1. Take ReLU, and go one step below and one step above 0.141. Then go to both ends.
# 2. Take tanh with 0.3. What do the histograms look like, and what does the gradient do?
# 3. Find the spread at which the sigmoid's gradient comes back at about its original size.
#
# <details><summary>What you should have seen</summary>
#
# One step away from 0.141, ReLU's signal is off by a factor of 30 or so after twenty layers, since a factor that is a
# little off in each layer is raised to the power of 20. For tanh with 0.3 the histograms pile up at −1 and 1: the
# units are saturated. Still, the gradient *grows* on its way back, because the large weights multiply it by more than
# the small slopes take away. For the sigmoid the gradient shrinks up to a spread of about 1 and grows beyond it. So
# both things can go wrong, in both directions: signals and gradients vanish, and they explode.
# </details>

# %% [markdown]
# ### Dead units
#
# ReLU has a problem of its own. Where z < 0 its slope is exactly 0. Suppose that a unit's z is negative for *every*
# plate, perhaps because one large step made its bias very negative. Then its output and its slope are 0 for every
# plate, and no gradient reaches its weights. Unless its inputs change, it stays like that: the unit is **dead**.
#
# Here are the outputs of four units for five plates. Which unit is dead?

# %%
example = np.array([
    [0.0, 0.0, 1.2, 0.0],
    [2.1, 0.0, 0.7, 0.0],
    [0.0, 0.0, 0.0, 0.3],
    [0.4, 0.0, 1.9, 0.0],
    [0.0, 0.0, 0.5, 0.0],
])
print(f"zeros: {np.count_nonzero(example == 0)} of {example.size} outputs")

# %% [markdown]
# Only the second one is dead: its column is all zeros. The fourth is silent for four plates of five, but one plate
# activates it, so it can learn. Being silent now and then is normal for a ReLU: in this table 13 of 20 outputs are 0.
# A dead unit is a whole column of zeros; here that is one unit of four, a share of 0.25.
#
# ### Exercise: `dead_fraction`

# %% exercise="02.dead_fraction"
def dead_fraction(activations):
    """Return the share of units that are 0 for every sample.

    Parameters
    ----------
    activations : numpy.ndarray
        (N, M): outputs of a ReLU layer (so never negative), a sample in each row and a unit in
        each column.
        Left unchanged.

    Returns
    -------
    float
        Number of dead units over M, from 0 to 1. A unit that fires once, however softly, is alive.

    Example
    -------
    >>> dead_fraction(np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 3.0]]))
    0.25
    """
    ### BEGIN SOLUTION
    alive = np.any(activations > 0, axis=0)
    return float(np.mean(~alive))
    ### END SOLUTION

# %% check="02.dead_fraction"
check("02.dead_fraction", dead_fraction)

# %% [markdown]
# Now use it. Lower all the biases of a layer and count how many units die. (Until you have written the function, the
# cell tells you so.)

# %%
rng = np.random.default_rng(seed)
sums = rng.normal(size=(200, 100)) @ (np.sqrt(2 / 100) * rng.normal(size=(100, 100)))
try:
    for bias in (0.0, -1.0, -2.0, -3.0, -4.0, -5.0):
        outputs = (sums + bias).clip(min=0)
        silent, dead = np.mean(outputs == 0), dead_fraction(outputs)
        print(f"bias {bias:4.1f}: {silent:6.1%} of outputs are 0, {dead:6.1%} of units are dead")
except NotImplementedError:
    print("Write dead_fraction first, then run this cell again.")

# %% [markdown]
# Long before a unit dies, it is silent for nearly all plates. The usual remedies are smaller steps (chapter 07),
# initial weights with a suitable spread, or a **leaky ReLU**, which keeps a small slope on the left. The activation
# explorer above has it.

# %% [markdown]
# ## 9. A hidden layer solves XOR
#
# Back to the plate with custard *or* gravy: four corners, two classes, and no straight line that separates them. But
# now you have layers and a nonlinear function.
#
# A hidden layer moves the points, and the output neuron has to separate the *moved* points with one straight cut. So how would
# you move the corners so that one cut is enough? Take a napkin with the four plates on its corners, and fold it.

# %% tags=["demo"]
figs.napkin()

# %% [markdown]
# On the flat napkin the nice plates lie on both sides of the diagonal, and no cut separates them from the rest. On
# the folded one they lie on top of each other, and any cut between the fold and the nice plates will do. A ReLU is
# half of such a fold: on one side of its line everything is pressed flat to 0, and on the other side it stays as it
# is. (The napkin shows one way of moving the corners. There are others that need no fold along the diagonal.)
#
# ### Exercise (stretch): `xor_weights`
#
# Find the nine numbers of a network with two hidden units:
#
# $$a = \text{ReLU}(x\,W_1 + b_1), \qquad \hat y = a\,W_2 + b_2$$
#
# | symbol | name | shape |
# |---|---|---|
# | $x$ | plates: custard, gravy, each 0 or 1 | `(N, 2)` |
# | $W_1, b_1$ | the hidden layer | `(2, 2)`, `(2,)` |
# | $a$ | the hidden units' outputs | `(N, 2)` |
# | $W_2, b_2$ | the output layer | `(2, 1)`, `(1,)` |
# | $\hat y$ | 1 for serve, 0 for send back | `(N, 1)` |
#
# Do not search by computer. Take pencil and paper: what should each hidden unit detect? Whole numbers are enough.
# There are many right answers, and the check accepts all of them.

# %% exercise="02.xor_weights"
def xor_weights():
    """Return weights for which relu(x @ W1 + b1) @ W2 + b2 is XOR, exactly.

    Returns
    -------
    W1, b1, W2, b2 : numpy.ndarray
        (2, 2), (2,), (2, 1), (1,). For the corners [0, 0], [1, 0], [0, 1], [1, 1] the network
        gives 0, 1, 1, 0.

    Example
    -------
    >>> W1, b1, W2, b2 = xor_weights()
    >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> (np.maximum(x @ W1 + b1, 0) @ W2 + b2).ravel()
    array([0., 1., 1., 0.])
    """
    ### BEGIN SOLUTION
    W1 = np.array([[1.0, 1.0], [1.0, 1.0]])     # both hidden units add the sauces up
    b1 = np.array([0.0, -1.0])                  # the second one starts to rise at the second sauce
    W2 = np.array([[1.0], [-2.0]])              # up with the first sauce, down again with the second
    b2 = np.array([0.0])
    return W1, b1, W2, b2
    ### END SOLUTION

# %% check="02.xor_weights"
check("02.xor_weights", xor_weights)

# %% [markdown]
# Now look at what you have built. On the left is the plane of plates, shaded by your network's output, with the line
# at which each hidden unit starts to rise. On the right is where your hidden layer puts the four corners, with the one
# cut that separates them.

# %% tags=["demo"]
figs.xor_surface(xor_weights)

# %% [markdown]
# ### How much can a hidden layer do?
# Two hidden units are enough for XOR. More units make more kinks, and with enough kinks you can follow any curve.
# Take $\sin(x)$ from 0 to $2\pi$. Let hidden unit $m$ start to rise at its own place $c_m$, so that $a_m =
# \text{ReLU}(x - c_m)$, and let its output weight be the amount by which the slope has to change there:

# %%
x = np.linspace(0, 2 * np.pi, 1001)
for units in (4, 8, 16, 32, 64):
    places = np.linspace(0, 2 * np.pi, units + 1)                          # where the kinks are
    slopes = np.diff(np.sin(places)) / np.diff(places)                     # from each place to the next
    hidden = np.maximum(x[:, None] - places[:-1], 0)                       # (1001, units)
    prediction = hidden @ np.diff(slopes, prepend=0)                       # each weight is a change of slope
    print(f"{units:2d} hidden units: off by at most {np.abs(prediction - np.sin(x)).max():.4f}")

# %% [markdown]
# With twice the units, the error falls to about a quarter. The **universal approximation theorem** says that this
# works in general: one hidden layer with enough units comes as close as you like to any continuous function on a
# bounded region ([Cybenko 1989](https://doi.org/10.1007/BF02551274) for sigmoids, [Leshno and others
# 1993](https://doi.org/10.1016/S0893-6080%2805%2980131-5) for every activation that is not a polynomial). It does not
# say how many units that takes, and it does not say how to find their weights.
#
# You have set these weights by hand. A real network has millions. The rule of section 4 cannot train a hidden layer
# yet: it needs to know the right answer for each neuron, and nobody knows what a hidden neuron should say. Chapters
# 05 to 07 solve this.

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** You stack five dense layers with no activation between them. With the best possible weights, what can the
# stack compute?
#
# - a) any function, if the hidden layers are wide enough
# - b) XOR, since it has more than one layer
# - c) nothing that a single dense layer cannot
# - d) nothing at all: the signal has vanished after five layers
#
# **2.** A sigmoid unit is trained with the squared loss. Its z is 10, and it is wrong: the right answer is 0. Its
# slope there is closest to
#
# - a) 0.00005, so it learns very slowly
# - b) 1, since its output is close to 1
# - c) 0.25, as everywhere
# - d) −10, since it is wrong by a lot
#
# **3.** You double both weights and the bias of a neuron with two inputs. Its boundary
#
# - a) moves twice as far from the origin
# - b) turns toward the larger weight
# - c) moves, because every z doubles
# - d) stays where it is; only the confidence grows
#
# **4.** The weighted sum of a ReLU unit in the first layer is negative for every plate in the training set. What happens to
# its weights in training?
#
# - a) they change as usual, since the unit decides every plate
# - b) nothing: its slope is 0 for every plate, so no gradient reaches them
# - c) they change fast, since the gradient is large there
# - d) they change slowly, since its output is stuck near 1
#
# **5.** In `x @ W + b`, with `x` of shape (32, 10) and `W` of shape (10, 5), what is column 2 of `W`?
#
# - a) the ten weights of one unit
# - b) the weights that one feature has in all units
# - c) what belongs to one sample of the batch
# - d) the biases of the layer

# %% exercise="02.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "a"
answer_3 = "d"
answer_4 = "b"
answer_5 = "a"
### END SOLUTION

# %% check="02.quiz"
check("02.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A neuron is a weighted sum with a bias, followed by a nonlinear activation. The direction of the
#   weights gives the tilt of its decision boundary, and the bias, compared with their length, its place.
# - A neuron learns in small steps that reduce its error. Each step is learning rate times error times input. A pass
#   through all samples is an epoch.
# - The slope of the activation decides how fast a unit can learn. Sigmoid and tanh saturate on both sides, ReLU on
#   one.
# - A layer is one matrix product. Layers without an activation between them are worth no more than one layer.
# - In a deep network slopes and weights multiply. If the factors are below 1, signals and gradients vanish; above 1,
#   they explode. The initialization decides which.
# - One neuron draws one straight line. A hidden layer moves the points so that one straight line is enough.
#
# ### Cheat sheet
#
# | what | formula | shape or range | slope | saturates |
# |---|---|---|---|---|
# | neuron | $z = x \cdot w + b$ | a number | | |
# | one step of learning | $w \leftarrow w - \eta\,(p - y)\,x$, $b \leftarrow b - \eta\,(p - y)$ | `(D,)`, a number | | |
# | dense layer | $z = x\,W + b$ | `(N, D) @ (D, M)` → `(N, M)` | | |
# | its parameters | $D \cdot M + M$ | | | |
# | sigmoid | $1 / (1 + e^{-z})$ | 0 to 1 | $s(1 - s)$, at most 0.25 | both sides |
# | tanh | $2\,\sigma(2z) - 1$ | −1 to 1 | $1 - t^2$, at most 1 | both sides |
# | ReLU | $\max(0, z)$ | 0 and up | 1 for z > 0, else 0 | left side |
# | weights to start with, for ReLU | spread $\sqrt{2 / D}$ | D inputs | | |
#
# **Which activation goes where?** ReLU in hidden layers. No activation after the last layer, for scores or for a quantity such as
# kcal. A sigmoid at the very end where the answer is yes or no, as a probability.
#
# ### Words
#
# - **activation function**: the nonlinear function that a neuron applies to its weighted sum; its result is the
#   **activation**.
# - **bias**: the number that is added to the weighted sum; it shifts the decision boundary.
# - **dead ReLU**: a unit whose output is 0 for every input, so that no gradient reaches its weights.
# - **decision boundary**: where a classifier is undecided between two answers.
# - **dense layer**: a layer in which every unit sees every input; also called fully connected or linear layer.
# - **hidden layer**: a layer between the inputs and the output.
# - **initialization**: the numbers that the weights have before training.
# - **leaky ReLU**: a ReLU with a small slope on the left, so that no unit is ever quite dead.
# - **linearly separable**: two classes that one straight line (a plane, with more inputs) can keep apart.
# - **multilayer perceptron**: dense layers one after the other, with an activation function between them (MLP).
# - **neuron**: a weighted sum of inputs plus a bias, followed by an activation function; also called a unit.
# - **parameter**: a number that is learned: a weight or a bias.
# - **perceptron**: an early artificial neuron, which answers yes or no without a probability.
# - **pre-activation**: the weighted sum $z$, before the activation function.
# - **ReLU**: $\max(0, z)$, the rectified linear unit.
# - **saturation**: where an activation function is nearly flat, so that a change of its input hardly changes its
#   output.
# - **sigmoid**: $1 / (1 + e^{-z})$, which turns any number into one between 0 and 1.
# - **tanh**: the hyperbolic tangent, a sigmoid stretched and shifted so that it runs from −1 to 1.
# - **universal approximation**: one hidden layer with enough units comes as close as you like to any continuous
#   function on a bounded region.
# - **vanishing gradient**: a gradient that shrinks from layer to layer until the early layers learn nothing. One that
#   grows instead is an **exploding gradient**.
#
# ### Next
#
# A dense network on a 256 × 256 picture has nearly twenty million parameters, and it must learn the doughnut again at
# every place in the picture. What if all places shared one small set of weights, and the neuron slid across the
# plate? That is a convolution.
#
# ### Further reading
#
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com): chapter 1 for neurons, chapter 4 for what hidden
#   layers can express, chapter 5 for why deep networks are hard to train.
# - CS231n, [Neural Networks part 1](https://cs231n.github.io/neural-networks-1/): activations and architectures, compactly.
# - Goodfellow, Bengio and Courville, [Deep Learning, chapter 6](https://www.deeplearningbook.org/contents/mlp.html): begins with XOR.
# - Andrej Karpathy, [ConvNetJS: classify 2D data](https://cs.stanford.edu/people/karpathy/convnetjs/demo/classify2d.html): watch a hidden layer fold the
#   plane while it learns.
# - Glorot and Bengio 2010, [Understanding the difficulty of training deep feedforward neural networks](https://proceedings.mlr.press/v9/glorot10a.html).
