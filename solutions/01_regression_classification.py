# %% [markdown]
# # 01 Regression versus classification
#
# Point a camera at a plate, and MealoMi should answer two questions. *Which dish is it? How many kilocalories are on
# it?* They sound alike, but they are two different kinds of problem, and nearly everything in supervised machine
# learning is one of the two.
#
# In this chapter you answer both without any deep learning: with features designed by hand, and with models that have
# been around for decades. For a long time that was how it was done. Doing it yourself shows you what has to be
# learned, how to tell whether it was learned, and what deep learning has to beat.
#
# **When you are done, you can**
#
# - say whether a question is regression or classification, and which metric and which baseline belong to it;
# - turn a picture into a row of numbers;
# - split data so that the test means something, and find the leaks where it does not;
# - fit a line by least squares, and classify by the nearest neighbors;
# - run scikit-learn pipelines, choose their settings honestly, and read a confusion matrix and a residual plot;
# - judge a model by precision and recall where accuracy hides too much;
# - get an honest number out of little data by cross-validation, and read from a learning curve what more data would bring;
# - find the food on a plate, with four regressions at once.
#
# **What you build**: `color_histogram`, `split`, `fit_line`, `mean_absolute_error`, `r2_score`, `knn_predict`,
# `precision_recall_f1`, `k_fold` and `iou`. With them MealoMi makes its first guesses.
#
# **Time**: about 190 minutes, with a resting point after section 6. **You need**: NumPy arrays, and the equation of a line from school.

# %%
import csv

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from introdl import check, data, figures, hint, paths
from introdl.figures import regression_classification as figs

figures.use_style()

# %% tags=["parameters"]
seed = 1  # of everything that is drawn by chance
size = 64  # height and width of the pictures, pixels; a multiple of 8
trees = 150  # of the boosted regression in section 6

# %% [markdown]
# If an exercise is hard, call `hint("01.split")` in a cell of your own, with the exercise's id. Each call shows one
# more hint.
#
# ## 1. One plate, two questions
#
# The course brings its own plates. They are rendered by a computer, so for each one we know exactly which dish it is,
# what it weighs, how much energy it has, and where in the picture it lies.

# %%
plates = data.plates(size=size, dishes="base")
dishes = [name.replace("_", " ") for name in plates.classes]
train, val, test = (plates.split(part) for part in ("train", "val", "test"))
print(plates)

shown = [int(np.flatnonzero(train.labels == label)[0]) for label in (0, 2, 11, 10, 7)]
figs.two_questions(train.images[shown], [dishes[train.labels[i]] for i in shown], train.kcal[shown])

# %% [markdown]
# Both answers are learned from examples: pictures $x$ together with the right answers $y$. That is **supervised
# learning**. The two questions differ in the kind of answer.
#
# | | classification | regression |
# |---|---|---|
# | the question | *which dish?* | *how many kcal?* |
# | the answer $y$ | one name out of $K$ | a real number |
# | is there anything in between? | no: nothing lies between soup and pizza | yes: 450 lies between 400 and 500 |
# | a wrong answer is | simply wrong | wrong by some amount |
# | a common metric | accuracy: the share that is right | mean absolute error, in kcal |
# | the simplest baseline | always say the most frequent dish | always say the median |
#
# **Numbers that are names.** In the computer, dishes are whole numbers:

# %%
print({int(label): dish for label, dish in enumerate(dishes)})

# %% [markdown]
# These numbers are still names. The mean of label 0 and label 2 is label 1, but a burger is not what lies between a
# pizza and a doughnut. So ask yourself: *if I am off by one, is that nearly right?* For kilocalories it is. For labels
# it makes no sense.
#
# Some questions can be asked either way. "How many stars will you give this recipe?" has five answers, and they are
# in an order. "Is it more than 600 kcal?" turns a number into two classes, and throws away how much more it is.
#
# ## 2. The classical approach: picture, features, model
#
# At this size a picture is about twelve thousand bytes. Few classical models can make anything of raw pixels: shift
# the plate by a finger's width, and nearly every pixel changes. So people designed **features**: a short row of
# numbers that keeps what matters and drops the rest.
#
# $$\text{picture} \;\xrightarrow{\;\text{made by hand}\;}\; x \in \mathbb{R}^D \;\xrightarrow{\;\text{learned}\;}\; \text{answer}$$
#
# - $D$: how many features there are. $x$, shape $(D,)$, is the picture's **feature vector**.
#
# One of the oldest is the **color histogram**: how many of the pixels have how much red, green and blue? It does not
# depend on where on the plate the tomato lies.
#
# **By hand.** Take the red of four pixels, 10, 70, 80 and 250, and four bins. A byte has 256 values, from 0 to 255, so
# each bin is 64 wide: 0–63, 64–127, 128–191, 192–255.
#
# - 10 falls into bin 0, 70 and 80 into bin 1, none into bin 2, and 250 into bin 3.
# - The counts are 1, 2, 0, 1. Divided by the 4 pixels: $[0.25, 0.5, 0, 0.25]$.
#
# Change the number of bins. How many do you need to tell a salad from a soup? What do 64 bins keep that nobody needs?

# %% tags=["demo"]
figs.histogram_explorer(train.images[shown], [dishes[train.labels[i]] for i in shown])

# %% [markdown]
# With few bins, different colors fall into the same bin. With many, a slightly warmer lamp pushes pixels into the next bin, and
# to the model, the next bin is as different as any other. The features below use eight.
#
# <details><summary>How many bins does it take?</summary>
#
# Four bins are enough to tell a green salad from an orange soup, since the channels that differ are far apart. With 64
# bins a bin is four gray levels wide, and what is added is mostly noise from the lighting: neighboring bins that rise and
# fall from one picture of a dish to the next.
# </details>
#
# ### Exercise: `color_histogram`
#
# There are two traps. The range must be that of the bytes, the same for every picture. And a byte overflows: `uint8`
# holds at most 255, so 100 · 8 gives 32. In this chapter the checks do not accept scikit-learn or torch inside your
# answers.

# %% exercise="01.color_histogram"
def color_histogram(image, bins):
    """Histogram of each color channel, as shares of the pixels.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W, 3) uint8: red, green and blue from 0 to 255.
    bins : int
        How many bins, all equally wide, over the 256 values of a byte. It divides 256.

    Returns
    -------
    numpy.ndarray
        (3, bins) floats: a row for each channel, from the darkest bin to the brightest. Each row
        adds up to 1. The image is left as it is.

    Example
    -------
    >>> image = np.array([[[10, 200, 255], [70, 130, 250]],
    ...                   [[80, 200, 0], [250, 220, 60]]], dtype=np.uint8)
    >>> color_histogram(image, 4)
    array([[0.25, 0.5 , 0.  , 0.25],
           [0.  , 0.  , 0.25, 0.75],
           [0.5 , 0.  , 0.  , 0.5 ]])
    """
    ### BEGIN SOLUTION
    height, width, _ = image.shape
    counts = [np.histogram(image[:, :, c], bins, range=(0, 256))[0] for c in range(3)]
    return np.array(counts) / (height * width)
    ### END SOLUTION

# %% check="01.color_histogram"
check("01.color_histogram", color_histogram)

# %% [markdown]
# ### A few more features
#
# A histogram of the whole picture counts the table too, so we add one of the middle, where the food is. And smooth
# soup has the same colors as chopped tomatoes, so we also add how **rough** the picture is, that is, how much
# neighboring pixels differ, in four strips from top to bottom. (`figs.histograms` does the work of your function for
# many pictures at once.)

# %%
def features(images):
    """Pictures, uint8 (N, H, W, 3), to features, floats (N, D)."""
    n, height = images.shape[:2]
    quarter = height // 4
    middle = images[:, quarter:-quarter, quarter:-quarter]
    gray = images.mean(axis=3, dtype=np.float32)
    jumps = np.abs(np.diff(gray, axis=2))  # from each pixel to its neighbor on the right
    rough = jumps.reshape(n, 4, quarter, -1).mean(axis=(2, 3))
    whole, center = figs.histograms(images, 8), figs.histograms(middle, 8)
    return np.concatenate([whole.reshape(n, -1), center.reshape(n, -1), rough], axis=1)


X_train, X_val, X_test = features(train.images), features(val.images), features(test.images)
print(f"{train.images[0].size:,} bytes of a picture have become {X_train.shape[1]} features")
print("X_train, X_val, X_test:", X_train.shape, X_val.shape, X_test.shape)

# %% [markdown]
# ## 3. Training, validation and test sets
#
# A model that has memorized all its examples is right on every one of them, and that says nothing. What counts is
# whether it **generalizes**: whether it is right on the next plate, which it has never seen. So before anything is
# learned, the pictures are divided into three sets:
#
# | set | what for | does the model see its answers? |
# |---|---|---|
# | **training** | to fit the model | all the time |
# | **validation** | to choose between models and settings | indirectly, through your choices |
# | **test** | to say how good the chosen one is | never |
#
# Why is a validation set not enough? Because choosing is a kind of learning, too. Here are models that know nothing:
# each one guesses a dish at random. Try many, and keep the one that is best on the validation plates.

# %% tags=["demo"]
figs.luck_explorer(len(val), len(test), len(dishes), seed)

# %% [markdown]
# The more models you try, the luckier the winner is on the set that chose it. On the test set the luck is gone, and
# the winner is just another random guesser. **So nothing is chosen on the test set: it is there to report, at the
# end, how good your choice is.** If you look at it after every change and keep what helps, it has become a second
# validation set.
#
# ### How to split
#
# Shuffle the indices $0, \dots, n-1$, and cut. **By hand**, with $n = 10$ and fractions 0.7, 0.15, 0.15: the shares
# are 7, 1.5 and 1.5. Half a picture cannot go anywhere, so one set gets 2 and the other gets 1. Which one gets 2 is a
# matter of taste; that all ten are used is not.
#
# Two more rules. Every picture belongs to exactly one set. And the shuffling must be repeatable: whoever calls the
# function passes in a random generator, and no other source of chance is used. Then the same seed gives the same split
# on every machine.
#
# ### Exercise: `split`

# %% exercise="01.split"
def split(n, fractions, rng):
    """Deal the indices 0 to n - 1 at random into several sets.

    Parameters
    ----------
    n : int
        How many pictures there are.
    fractions : tuple of float
        Which share goes into each set, as in (0.7, 0.15, 0.15). They add up to 1. There may be
        two sets, or five.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    tuple of numpy.ndarray
        One array of indices (whole numbers) for each fraction, in the same order. Every index is in
        exactly one of them. Set i holds fractions[i] * n indices up to rounding; which set
        takes the remainder is up to you, and so is the order of the indices.

    Example
    -------
    >>> train, val, test = split(20, (0.7, 0.15, 0.15), np.random.default_rng(0))
    >>> len(train), len(val), len(test)
    (14, 3, 3)
    """
    ### BEGIN SOLUTION
    ends = np.round(np.cumsum(fractions) * n).astype(int)
    return tuple(np.split(rng.permutation(n), ends[:-1]))
    ### END SOLUTION

# %% check="01.split"
check("01.split", split)

# %% [markdown]
# ### Leaks
#
# A **leak**, in full *data leakage*, is any way in which the test answers leak into the training.
# The most common one is a near copy: the same plate, photographed twice, once in each set. Let us make such a leak on
# purpose. We mirror every training picture; a mirrored plate has exactly the same histogram. Then we divide originals
# and mirror images at random, and try a model that only looks up each plate's nearest neighbor. (You will write one in section
# 7.)

# %%
def nearest_neighbor_accuracy(X, y, X_new, y_new):
    return make_pipeline(StandardScaler(), KNeighborsClassifier(1)).fit(X, y).score(X_new, y_new)


X_both = np.concatenate([X_train, features(train.images[:, :, ::-1])])
y_both = np.concatenate([train.labels, train.labels])
order = np.random.default_rng(seed).permutation(len(X_both))
held, used = order[: len(order) // 5], order[len(order) // 5 :]

leaky = nearest_neighbor_accuracy(X_both[used], y_both[used], X_both[held], y_both[held])
honest = nearest_neighbor_accuracy(X_train, train.labels, X_val, val.labels)
print(f"copies on both sides: {leaky:.0%} right        split by plate: {honest:.0%} right")

# %% [markdown]
# It is the same model with the same features, and the two numbers are very different. Only the second says how the
# model will do on a plate that it does not know. Copies hide well: frames of one video, five photos of one lunch,
# several slices of one cake. **Split by what repeats** (the video, the lunch, the cake), not by the file.
#
# Other leaks: a mean and spread for scaling that were computed from all sets; features that give the answer away (a
# file name such as `pizza_017.jpg`, a price tag in the picture); training on data recorded later than the test data.
#
# Our plates are already split. No two pictures show the same scene, and from here on you use the sets as they come.
#
# ## 4. Regression: fit a line
#
# Leave pictures aside for a moment, and take one feature and one number. Of the three nutrients, fat has the most
# energy per gram. How much energy does a dish have, given its fat? The table is the one behind MealoMi: 20 dishes, per
# 100 g, from the USDA's food table (SR27).

# %%
with open(paths.data() / "nutrition.csv", encoding="utf-8") as file:
    table = list(csv.DictReader(file))
names = [row["dish"].replace("_", " ") for row in table]
fat, protein, carbohydrate, energy = (
    np.array([float(row[column]) for row in table]) for column in ("fat_g", "protein_g", "carbohydrate_g", "kcal")
)
for i in range(4):
    print(f"{names[i]:<12} fat {fat[i]:>5.1f} g   protein {protein[i]:>5.1f} g   carbohydrate {carbohydrate[i]:>5.1f} g   {energy[i]:>5.0f} kcal")

# %% [markdown]
# Fit a line by hand. For each dish, the **error** is what the line says minus the truth. Its square is drawn, and the
# mean of the squares is what you should make small.
#
# 1. Adjust the intercept until you cannot improve it, then the slope, and then the intercept again. Why again?
# 2. How close do you get to *least*? Tick the box and compare.
# 3. Which dish has the largest square? Move the line toward it. Which dishes pay for that?

# %% tags=["demo"]
figs.line_explorer(fat, energy, names)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# The best intercept depends on the slope: a steeper line must start lower to pass through the middle of the cloud, so
# every change in one calls for a change in the other. The dish with the largest square pulls hardest, because its
# error counts squared; when the line moves toward it, the many dishes that lay close to the line all get a little
# worse, and soon their sum outweighs the gain.
# </details>
#
# ### In one step
#
# For a plate with features $x_i$, shape $(D,)$, the line predicts $\hat y_i = w \cdot x_i + b$.
#
# - $w$: the **weights**, shape $(D,)$. With one feature, $w$ is the slope.
# - $b$: the **intercept**, one number: the prediction where all features are 0.
# - $y_i$: the truth. $\hat y_i$: the **prediction**.
#
# **Least squares** makes $\sum_i (\hat y_i - y_i)^2$ as small as possible. A trick gets rid of $b$: give each plate
# one more feature, which is always 1. The weight of that feature is the intercept.
#
# $$A = \begin{bmatrix} X & \mathbf{1} \end{bmatrix}, \quad u = \begin{bmatrix} w \\ b \end{bmatrix}, \quad
# A u \approx y, \qquad \text{best where} \qquad A^\top A \, u = A^\top y$$
#
# - $X$: $(N, D)$, a plate in each row. $A$: $(N, D+1)$. $u$: $(D+1,)$. $y$: $(N,)$.
# - The last equations are the **normal equations**. They say that the errors are orthogonal (at right angles) to every
#   column of $A$, so no combination of the features can reduce them any further.
#
# **By hand**, three plates with $x = 0, 1, 2$ and $y = 1, 2, 6$:
#
# $$A = \begin{bmatrix} 0 & 1 \\ 1 & 1 \\ 2 & 1 \end{bmatrix}, \quad
# A^\top A = \begin{bmatrix} 5 & 3 \\ 3 & 3 \end{bmatrix}, \quad A^\top y = \begin{bmatrix} 14 \\ 9 \end{bmatrix}$$
#
# So $5w + 3b = 14$ and $3w + 3b = 9$. Subtract: $2w = 5$, so $w = 2.5$, and $b = 0.5$. The line predicts 0.5, 3 and
# 5.5. The errors are $-0.5, 1, -0.5$. They add up to 0, as they always do when there is an intercept.
#
# ### Exercise: `fit_line`
#
# NumPy's linear algebra is allowed: `np.linalg.lstsq` or `np.linalg.solve`.

# %% exercise="01.fit_line"
def fit_line(X, y):
    """Least squares with an intercept: the w and b with the smallest sum((X @ w + b - y)**2).

    Parameters
    ----------
    X : numpy.ndarray
        (N, D) floats: a plate in each row. N > D, and no column is a mix of the others.
    y : numpy.ndarray
        (N,) floats: the truth.

    Returns
    -------
    w : numpy.ndarray
        (D,) floats: the weights.
    b : float
        The intercept. The inputs are left as they are.

    Example
    -------
    >>> w, b = fit_line(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 2.0, 6.0]))
    >>> w.round(6), round(float(b), 6)
    (array([2.5]), 0.5)
    """
    ### BEGIN SOLUTION
    A = np.column_stack([X, np.ones(len(X))])
    u = np.linalg.lstsq(A, y, rcond=None)[0]
    return u[:-1], u[-1]
    ### END SOLUTION

# %% check="01.fit_line"
check("01.fit_line", fit_line)

# %% [markdown]
# ### What the weights mean
#
# Now take all three: fat, protein and carbohydrate. What does least squares find? (We use scikit-learn's fit here, so
# that the cell runs even if yours is not ready.)

# %%
from sklearn.linear_model import LinearRegression

X_food = np.column_stack([fat, protein, carbohydrate])
line = LinearRegression().fit(X_food, energy)
for nutrient, weight in zip(("fat", "protein", "carbohydrate"), line.coef_, strict=True):
    print(f"{nutrient:<13} {weight:5.2f} kcal per g")
print(f"intercept     {line.intercept_:5.2f} kcal      fat alone: {LinearRegression().fit(fat[:, None], energy).coef_[0]:.2f} kcal per g")

# %% [markdown]
# The energy on a food label is calculated with 9 kcal per gram of fat, and 4 per gram of protein or carbohydrate ([EU
# regulation 1169/2011](https://eur-lex.europa.eu/eli/reg/2011/1169/oj), annex XIV). Food tables calculate in the same
# way, with factors that differ a little from food to food. Least squares has nearly rediscovered these factors from 20
# dishes. But look at the weight of fat *alone*, which is about one and a half times as large. In this table fatty dishes tend to have
# more carbohydrate as well (think of doughnuts and cake), and a line that knows only fat gives it the credit for both.
# **A weight has a meaning only together with the other features of the model.**
#
# ## 5. How wrong is it?
#
# ### Mean absolute error
#
# $$\text{MAE} = \frac1N \sum_{i=1}^{N} \lvert \hat y_i - y_i \rvert$$
#
# It has the same unit as the answer, and a user understands it: *off by 43 kcal on average*. **By hand**: three plates
# hold 100, 300 and 500 kcal, and the model says 150, 280 and 440. The errors are $50, -20, -60$. Their sizes are 50,
# 20, 60, so the MAE is $130/3 \approx 43.3$. With their signs the errors average to $-10$, because overestimates and
# underestimates cancel.
#
# ### Exercise: `mean_absolute_error`

# %% exercise="01.mean_absolute_error"
def mean_absolute_error(truth, predicted):
    """Mean size of the errors, in the unit of the truth.

    Parameters
    ----------
    truth, predicted : numpy.ndarray
        (N,) floats each.

    Returns
    -------
    float
        One number, 0 or more. The inputs are left as they are.

    Example
    -------
    >>> truth = np.array([100.0, 300.0, 500.0])
    >>> round(float(mean_absolute_error(truth, np.array([150.0, 280.0, 440.0]))), 1)
    43.3
    """
    ### BEGIN SOLUTION
    return np.mean(np.abs(predicted - truth))
    ### END SOLUTION

# %% check="01.mean_absolute_error"
check("01.mean_absolute_error", mean_absolute_error)

# %% [markdown]
# ### The baseline
#
# Is 43 kcal good? That depends: for a single apple it is poor; for a banquet it is superb. So compare with a
# prediction that never looks at the picture. The **baseline** of a regression predicts the same number for every
# plate. For the absolute error the best such number is the median of the training answers; for the squared error it is
# their mean.
#
# **$R^2$** has the baseline built in. It compares the model's squared errors with those of the mean $\bar y$ of the
# true values:
#
# $$R^2 = 1 - \frac{\sum_i (\hat y_i - y_i)^2}{\sum_i (\bar y - y_i)^2}$$
#
# - 1: perfect. 0: no better than the mean. Below 0: the mean would have been better.
#
# **By hand**, with the three plates from above: the model's squared errors are $2500 + 400 + 3600 = 6500$. The mean of
# the true values is 300, and its squared errors are $40000 + 0 + 40000 = 80000$. So $R^2 = 1 - 6500/80000 \approx
# 0.919$.
#
# ### Exercise: `r2_score`

# %% exercise="01.r2_score"
def r2_score(truth, predicted):
    """R squared: 1 minus the model's squared error over that of the truths' own mean.

    Parameters
    ----------
    truth : numpy.ndarray
        (N,) floats, not all alike.
    predicted : numpy.ndarray
        (N,) floats.

    Returns
    -------
    float
        One number, at most 1; it may be negative. The inputs are left as they are.

    Example
    -------
    >>> truth = np.array([100.0, 300.0, 500.0])
    >>> round(float(r2_score(truth, np.array([150.0, 280.0, 440.0]))), 3)
    0.919
    """
    ### BEGIN SOLUTION
    left = np.sum((predicted - truth) ** 2)
    return 1 - left / np.sum((truth - truth.mean()) ** 2)
    ### END SOLUTION

# %% check="01.r2_score"
check("01.r2_score", r2_score)

# %% [markdown]
# ## 6. How many kcal?
#
# Back to the plates. In scikit-learn a model is an object with two methods: `fit(X, y)` learns, and `predict(X)`
# answers. A **pipeline** chains several steps into one such object. Ours has a `StandardScaler` first. It brings each
# feature to mean 0 and standard deviation 1, with the mean and deviation *of the training set*, because `fit` sees
# nothing else; that rules out one kind of leak.
#
# Two kinds of model compete:
#
# - **Ridge**: least squares with a penalty on large weights. `alpha` says how strong the penalty is.
# - **Gradient boosting**: many small trees of yes-or-no questions ("is more than 12 % of the middle bright red?"),
#   each one fitted to what the trees before it still get wrong. `loss="absolute_error"` makes them minimize what the
#   MAE measures.
#
# The settings are chosen on the **validation** plates.

# %%
baseline_kcal = np.median(train.kcal)
candidates = {f"ridge, alpha {alpha}": make_pipeline(StandardScaler(), Ridge(alpha)) for alpha in (1, 10, 100, 1000)}
for depth in (2, 5):
    candidates[f"boosting, depth {depth}"] = GradientBoostingRegressor(
        loss="absolute_error", n_estimators=trees, max_depth=depth, max_features=0.3, subsample=0.5, random_state=seed
    )

on_val = {}
print(f"{'always ' + format(baseline_kcal, '.0f') + ' kcal':<20} MAE {np.abs(val.kcal - baseline_kcal).mean():6.1f} kcal on the validation plates")
for name, model in candidates.items():
    on_val[name] = np.abs(model.fit(X_train, train.kcal).predict(X_val) - val.kcal).mean()
    print(f"{name:<20} MAE {on_val[name]:6.1f} kcal")
chosen = min(on_val, key=on_val.get)
print("chosen:", chosen)

# %% [markdown]
# Now the test plates. A mean over $n$ plates is itself a little uncertain. Its **standard error** is the standard
# deviation of the single errors, divided by $\sqrt n$. In about 19 of 20 cases the true mean lies within two standard
# errors of the measured one.
#
# Is the model really better than the baseline? Both were measured on the *same* plates, so compare them plate by
# plate: take the **paired differences**, their mean, and the standard error of that mean. A plate that is hard for
# one model is usually hard for the other, too, and in the difference that cancels. So the paired differences tell you
# more than two separate standard errors would. This is the rule of the whole course: **a difference smaller than
# about two of its own standard errors may be luck.**

# %%
kcal_predicted = candidates[chosen].predict(X_test)
errors, rival = np.abs(kcal_predicted - test.kcal), np.abs(baseline_kcal - test.kcal)


def with_error(values):
    return f"{values.mean():.0f} ± {values.std() / np.sqrt(len(values)):.0f} kcal"


explained = 1 - np.sum((kcal_predicted - test.kcal) ** 2) / np.sum((test.kcal - test.kcal.mean()) ** 2)
print(f"{chosen}: MAE {with_error(errors)} on {len(test)} test plates     R squared {explained:.2f}")
print(f"always {baseline_kcal:.0f} kcal: MAE {with_error(rival)}")
print(f"paired difference, model minus baseline: {with_error(errors - rival)}")

# %%
residuals = kcal_predicted - test.kcal
quarters = np.quantile(kcal_predicted, [0, 0.25, 0.5, 0.75, 1])
print(f"mean residual {with_error(residuals)}, median residual {np.median(residuals):.0f} kcal")
for low, high in zip(quarters[:-1], quarters[1:], strict=True):
    inside = (kcal_predicted >= low) & (kcal_predicted <= high)
    print(f"predicted {low:4.0f} to {high:4.0f} kcal: mean residual {residuals[inside].mean():4.0f} kcal")
figs.residuals(test.kcal, kcal_predicted, test.labels, plates.classes, "burger")

# %% [markdown]
# **Read the residuals.** A residual is the prediction minus the truth, in kcal. Plot residuals against the
# *prediction*, not against the truth: even a perfect predictor of a noisy quantity is too low where the noise happened
# to be positive, so its residuals slope against the truth. Against the prediction, good residuals are a shapeless cloud
# around 0.
#
# These have two flaws. The cloud widens to the right: where the model predicts more, it is also off by more. And its
# mean lies below 0, in every quarter of the predictions, although the median residual is close to 0. The reason is the
# loss. A model that minimizes the absolute error predicts a *median*, and energy is skewed: a few very large portions
# pull the mean above the median. So for a single plate the prediction is as often too high as too low, but the total
# for a whole week comes out too low. If you need totals, minimize the squared error.
#
# Why are the errors so large at all? No color says how *much* is on the plate, and the camera may be near or far. How
# large are they for each dish?

# %%
figs.error_by_dish(errors, rival, test.labels, plates.classes)

# %% [markdown]
# A bar is the model, a red tick the baseline. A single number for all plates hides these differences. Where a dish's
# energy lies near the median, the baseline is hard to beat, and looking at the picture can even hurt. Where it lies
# far away, as for salad or burgers, the picture helps most. For which dishes would you want a scale instead of a
# camera?
#
# <details><summary>What the bars say</summary>
#
# For pizza and burgers. The model is off by about 360 kcal there, more than a whole serving of most other dishes.
# Their portions differ a lot, and no color tells a small pizza that is near from a large one that is far away.
# </details>
#
# **A resting point.** One of the two questions is answered. The other one, *which dish?*, can wait.
#
# ## 7. Classification: k nearest neighbors
#
# The simplest classifier does not learn anything. It keeps the training plates, and when a new one comes, it looks for
# the **$k$ nearest** of them and lets them vote.
#
# $$d(x, x') = \sqrt{\sum_{j=1}^{D} (x_j - x'_j)^2}$$
#
# - $x$, $x'$: two feature vectors, shape $(D,)$. $d$: their **distance**, one number.
#
# **By hand.** Take five plates with two features: $(1, 1)$ and $(1, 2)$ are french fries (label 5), $(2, 1)$ is pizza
# (0), and $(8, 8)$ and $(8, 9)$ are doughnuts (2). A new plate is at $(1.25, 1.4)$, and $k = 3$. The squared distances
# are
#
# $$0.0625 + 0.16 = 0.2225, \quad 0.0625 + 0.36 = 0.4225, \quad 0.5625 + 0.16 = 0.7225,$$
#
# and about 89 and 103 to the doughnuts. (The square root does not change which plates are nearest.) The three nearest
# have labels 5, 5 and 0, so the answer is 5. The *mean* of these labels is 3.3, which rounds to fried eggs, and nobody
# voted for those.
#
# What does $k$ do? Here are three dishes and two features of the middle of the picture: how yellow it is, and how
# bright. The lines where the answer changes are the **decision boundaries**.
#
# 1. Start at $k = 1$. Find an island. Which plate causes it? Why is the accuracy on the training plates what it is?
# 2. Raise $k$. When do the boundaries become smooth? What do the two curves do?
# 3. Go to the end, where all plates vote. Why does one dish win everywhere?

# %%
def color_of_the_middle(images):
    """(N, 2): how much yellow, and how bright, in gray levels."""
    quarter = images.shape[1] // 4
    red, green, blue = (images[:, quarter:-quarter, quarter:-quarter, c].mean(axis=(1, 2)) for c in range(3))
    return np.stack([(red + green) / 2 - blue, (red + green + blue) / 3], axis=1)


trio = ("banana", "fried_eggs", "salad")
few = [np.flatnonzero(train.labels == plates.classes.index(dish))[:40] for dish in trio]
some = np.concatenate(few)
trio_labels = np.repeat([0, 1, 2], [len(one) for one in few])
in_val = np.flatnonzero(np.isin(val.labels, [plates.classes.index(dish) for dish in trio]))
trio_val_labels = np.array([trio.index(plates.classes[label]) for label in val.labels[in_val]])
trio_points, trio_val = color_of_the_middle(train.images[some]), color_of_the_middle(val.images[in_val])
axes = ("yellow minus blue (gray levels)", "brightness (gray levels)")

# %% tags=["demo"]
figs.neighbor_explorer(trio_points, trio_labels, trio_val, trio_val_labels, trio, axes)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# At $k = 1$ every island belongs to a single training plate that lies among plates of another dish. Each training
# plate is its own nearest neighbor, so the training accuracy is 100 %. With larger $k$ a lonely plate is outvoted, the
# islands disappear and the boundaries become smooth; training accuracy falls, while validation accuracy first rises.
# When all plates vote, the position of the new plate no longer matters, and the dish with the most training plates
# wins everywhere (here all three have the same number, so it is the tie rule that decides).
# </details>
#
# With $k = 1$ each training plate is its own nearest neighbor, so *all* of them are right. That is memorizing, and it
# does not help on the validation plates: the model **overfits**. When $k$ is as large as the training set, the model
# no longer looks at the plate at all: it **underfits**. The best $k$ lies in between, and only the validation plates
# can tell you where.
#
# **Ties.** With $k = 4$ the votes may be two against two, so there must be a rule. Ours is that the smallest label
# wins.
#
# ### Exercise: `knn_predict`
#
# The check does not accept `scipy.spatial` here either.

# %% exercise="01.knn_predict"
def knn_predict(X_train, y_train, X_test, k):
    """Classify by a vote of the k nearest training plates.

    Parameters
    ----------
    X_train : numpy.ndarray
        (N, D) floats.
    y_train : numpy.ndarray
        (N,) int64, labels from 0.
    X_test : numpy.ndarray
        (M, D) floats.
    k : int
        From 1 to N. How many vote. Near is a small Euclidean distance; no two distances that
        matter are equal.

    Returns
    -------
    numpy.ndarray
        (M,) whole numbers: for each test plate the most frequent label among its k nearest; of
        equally frequent ones the smallest. The inputs are left as they are.

    Example
    -------
    >>> X_train = np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [8.0, 8.0], [8.0, 9.0]])
    >>> y_train = np.array([5, 5, 0, 2, 2])
    >>> knn_predict(X_train, y_train, np.array([[1.25, 1.4], [7.0, 8.0]]), 3)
    array([5, 2])
    """
    ### BEGIN SOLUTION
    answers = []
    for x in X_test:
        distances = np.sum((X_train - x) ** 2, axis=1)
        nearest = np.argsort(distances)[:k]
        answers.append(np.bincount(y_train[nearest]).argmax())
    return np.array(answers)
    ### END SOLUTION

# %% check="01.knn_predict"
check("01.knn_predict", knn_predict)

# %% [markdown]
# ## 8. Which dish?
#
# Now all twelve dishes and all features. Two kinds of pipeline compete:
#
# - **k nearest neighbors**, with and without the scaler. Without it, features with large numbers dominate: roughness
#   is measured in gray levels, while histograms are shares below 1.
# - **Logistic regression.** In spite of its name it is a classifier. It gives each dish a score, a weighted sum of the
#   features as in section 4, and turns the scores into probabilities. (With more than two classes it is also called
#   *softmax regression*, and chapter 05 takes it apart under that name.) Its setting `C` is the *inverse* of the
#   strength of a penalty on large weights: a small `C` keeps the weights small.
#
# The baseline is always to say the most frequent dish. The metric is **accuracy**: the share of plates that are named
# correctly.

# %%
most_frequent = np.bincount(train.labels).argmax()
classifiers = {}
for k in (1, 5, 15):
    classifiers[f"{k} nearest, not scaled"] = KNeighborsClassifier(k)
    classifiers[f"{k} nearest, scaled"] = make_pipeline(StandardScaler(), KNeighborsClassifier(k))
for C in (0.01, 0.1, 1.0):
    classifiers[f"logistic regression, C {C}"] = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))

right_on_val = {}
print(f"{'always ' + dishes[most_frequent]:<28} {np.mean(val.labels == most_frequent):6.1%} of the validation plates")
for name, model in classifiers.items():
    right_on_val[name] = model.fit(X_train, train.labels).score(X_val, val.labels)
    print(f"{name:<28} {right_on_val[name]:6.1%}")
best = max(right_on_val, key=right_on_val.get)
print("chosen:", best)

# %% [markdown]
# Now the test plates. Accuracy is the share $a$ of the $n$ plates that are named correctly. Its standard error is
#
# $$\sqrt{\frac{a \, (1 - a)}{n}}$$
#
# **By hand**: 60 right of 100 gives $\sqrt{0.6 \cdot 0.4 / 100} \approx 0.049$. So "60 %" means 60 ± 5 %. If another
# model gets 63 % on the same hundred, that by itself is no evidence that it is better. (Compare the two plate by
# plate, as in section 6: what counts is the plates on which only one of them is right.)

# %%
named = classifiers[best].predict(X_test)


def share(right):
    a = right.mean()
    return f"{a:.1%} ± {np.sqrt(a * (1 - a) / len(right)):.1%}"


print(f"{best}: {share(named == test.labels)} of {len(test)} test plates")
print(f"always {dishes[most_frequent]}: {share(test.labels == most_frequent)}")

# %%
figs.confusion(confusion_matrix(test.labels, named, labels=np.arange(len(dishes))), plates.classes)

# %% [markdown]
# A **confusion matrix** tells you more than a single number. Read it row by row: what became of the plates of this
# dish? The diagonal holds the right answers. Look for the darkest orange cells: which dishes does the model confuse,
# and do they have the same colors? Then read a column: which plates were given this name? Is there a dish that the model
# names whenever it is in doubt?
#
# <details><summary>What you should have seen</summary>
#
# The largest confusion is ice cream that is called a doughnut, 14 of 48 plates: scoops and icing come in similar
# colors. Pancakes are taken for pizza and burgers, which are just as brown. No dish is the answer to every doubt, but
# ice cream and soup come closest: 25 and 24 plates of other dishes (eight different dishes in each case) are given these names.
# </details>

# %% [markdown]
# ### Precision and recall
#
# One number for twelve dishes hides which of them the model gets wrong, and how. Suppose that MealoMi has to warn a guest
# who must not eat this kitchen's soup. **By hand**: 8 of the plates are soup. The model says "soup" 10 times, and 6
# of these plates are soup. These 6 are **true positives**, or hits. The other 4 are **false positives**, false
# alarms. And 2 soups were missed: **false negatives**.
#
# - **Precision**: of what was named soup, how much is soup? $6/10 = 0.6$.
# - **Recall**: of all the soup, how much was found? $6/8 = 0.75$.
# - **F1** puts both into one number, by the *harmonic* mean: $2 \cdot 0.6 \cdot 0.75 / (0.6 + 0.75) = 0.667$.
#
# $$P = \frac{\text{hits}}{\text{all that are named}}, \qquad R = \frac{\text{hits}}{\text{all that are there}}, \qquad
# F_1 = \frac{2 P R}{P + R}$$
#
# Why not the ordinary mean? Take a hundred plates, 8 of them soup. A model that says "soup" to all hundred has recall
# 1 and precision 0.08. The ordinary mean of the two is 0.54, which does not sound bad. The harmonic mean is 0.148: it
# stays close to the smaller of the two. Nor does accuracy help: a model that *never* says soup is right on 92 of the
# hundred.
#
# ### Exercise: `precision_recall_f1`

# %% exercise="01.precision_recall_f1"
def precision_recall_f1(truth, predicted, label):
    """Precision, recall and F1 of one class.

    Parameters
    ----------
    truth, predicted : numpy.ndarray
        (N,) int64: the right labels, and those that the model gave.
    label : int
        The class that is asked about.

    Returns
    -------
    precision, recall, f1 : float
        From 0 to 1. Precision is 0 where the label is never predicted, recall is 0 where it is
        never there, and F1 is 0 where both are 0. The inputs are left as they are.

    Example
    -------
    >>> truth = np.array([1, 1, 1, 0, 0, 2])
    >>> scores = precision_recall_f1(truth, np.array([1, 1, 0, 1, 1, 2]), 1)
    >>> [round(float(score), 3) for score in scores]
    [0.5, 0.667, 0.571]
    """
    ### BEGIN SOLUTION
    hits = np.sum((truth == label) & (predicted == label))
    named, there = np.sum(predicted == label), np.sum(truth == label)
    precision = hits / named if named else 0.0
    recall = hits / there if there else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return precision, recall, f1
    ### END SOLUTION

# %% check="01.precision_recall_f1"
check("01.precision_recall_f1", precision_recall_f1)

# %% [markdown]
# Here are the three numbers for all dishes, on the validation plates, from scikit-learn. The column *support* says
# how many plates there are.

# %%
from sklearn.metrics import classification_report

print(classification_report(val.labels, classifiers[best].predict(X_val), target_names=dishes, digits=2))

# %% [markdown]
# **Precision against recall.** A classifier that gives probabilities need not name the most probable dish. With warnings,
# too many are better than too few: warn as soon as the probability of the dish is above some **threshold**, 10 % for
# example. Each threshold has a precision and a recall of its own.
#
# 1. Find a threshold at which nine of ten soups are found. How many of the warnings are false?
# 2. Find another one at which nine of ten warnings are right. How many soups are found?
# 3. At which threshold is F1 largest? Is it one half?

# %%
soup = plates.classes.index("soup")
probabilities = classifiers["logistic regression, C 0.1"].predict_proba(X_val)[:, soup]

# %% tags=["demo"]
figs.threshold_explorer(probabilities, val.labels == soup, "soup")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# Soup is hard for these features. To find 43 of the 48 soups the threshold has to go down to 3 %, and then six of seven
# warnings are false. To have nine of ten warnings right it has to go up to 71 %, and then only 6 soups are found. F1 is
# largest at about 13 %, far from one half: where a class is rare, the model seldom gives it a high probability.
# </details>
#
# ### From the dish to its energy
#
# Dishes differ in energy. So here is another way to answer *how many kcal?*: name
# the dish, and look up the median energy of its training plates. The last line cheats, since it is told the right
# dish. (All four answers are reported on the test plates, and nothing is chosen by them: which regression and which
# classifier to use was decided on the validation plates.)

# %%
usual = np.array([np.median(train.kcal[train.labels == label]) for label in range(len(dishes))])
for words, answer in (
    (f"always {baseline_kcal:.0f} kcal", np.full(len(test), baseline_kcal)),
    (f"regression: {chosen}", kcal_predicted),
    ("classify, then look up", usual[named]),
    ("true dish, then look up", usual[test.labels]),
):
    sizes = np.abs(answer - test.kcal)
    print(f"{words:<30} MAE {with_error(sizes):<15} paired difference from the regression {with_error(sizes - errors)}")

# %% [markdown]
# The gap between the last two lines is what wrong names cost. Whether looking up beats the regression is settled by
# the paired difference and its standard error, not by the two MAEs. Here looking up is 12 ± 7 kcal worse, which is
# less than two standard errors: it may be luck. What remains in the last line is the portion, since no name tells you how
# much lies on the plate. In chapter 12 one network learns the dish and the portion together.

# %% [markdown]
# ## 9. Little data: cross-validation and learning curves
#
# So far we have been spoiled: with thousands of plates, you can hold hundreds back. Suppose that you have only 100.
# Hold back 20, and the accuracy on them is worth little: by the formula above, 12 right of 20 is 60 ± 11 %. Hold back
# more, and there is hardly anything left to train on.
#
# **Cross-validation** lets every plate do both jobs. Cut the shuffled plates into $k$ **folds**. Train $k$ models,
# each on all folds but one, and test it on the one that was held back. Then each plate has been tested exactly once,
# by a model that has not seen it. **By hand**, six plates in the order 4, 0, 5, 2, 1, 3, and $k = 3$:
#
# | | training | validation |
# |---|---|---|
# | fold 0 | 5, 2, 1, 3 | 4, 0 |
# | fold 1 | 4, 0, 1, 3 | 5, 2 |
# | fold 2 | 4, 0, 5, 2 | 1, 3 |
#
# ### Exercise: `k_fold`

# %% exercise="01.k_fold"
def k_fold(order, k):
    """Cut shuffled indices into k folds; each is held back once.

    Parameters
    ----------
    order : numpy.ndarray
        (n,) whole numbers: the indices of the pictures, shuffled, each once.
    k : int
        How many folds, from 2 to n.

    Returns
    -------
    list of (train, val)
        k pairs of arrays of indices. The i-th val is the i-th of k consecutive pieces of `order`,
        and train holds all other indices. The pieces' sizes differ by one at most, and the larger ones come
        first. The order of the indices within a set is up to you. `order` is left as it is.

    Example
    -------
    >>> for train, val in k_fold(np.array([4, 0, 5, 2, 1, 3]), 3):
    ...     print(train, val)
    [5 2 1 3] [4 0]
    [4 0 1 3] [5 2]
    [4 0 5 2] [1 3]
    """
    ### BEGIN SOLUTION
    pieces = np.array_split(order, k)
    return [(np.concatenate(pieces[:i] + pieces[i + 1 :]), pieces[i]) for i in range(k)]
    ### END SOLUTION

# %% check="01.k_fold"
check("01.k_fold", k_fold)

# %% [markdown]
# Is it worth the trouble? Take 100 plates, and estimate how good five nearest neighbors are: once with a single
# split, 80 for training and 20 for validation, and once with five folds. Do that for twenty different sets of a
# hundred plates. (scikit-learn's `KFold` stands in for your `k_fold` here, so that the cell runs without it.)

# %%
from sklearn.model_selection import KFold

single, crossed = [], []
for trial in range(20):
    hundred = np.random.default_rng(seed + trial).permutation(len(X_train))[:100]
    on_fold = []
    for used, held in KFold(5).split(hundred):
        model = make_pipeline(StandardScaler(), KNeighborsClassifier(5)).fit(X_train[hundred[used]], train.labels[hundred[used]])
        on_fold.append(model.score(X_train[hundred[held]], train.labels[hundred[held]]))
    single.append(on_fold[0])
    crossed.append(np.mean(on_fold))
for words, estimates in (("a single split", single), ("five folds", crossed)):
    print(f"{words:<15} estimates from {min(estimates):.0%} to {max(estimates):.0%}, standard deviation {np.std(estimates):.1%}")

# %% [markdown]
# With the same plates and the same model, the estimates of cross-validation scatter by about 5 percentage points
# instead of 8, because each of them is tested on all hundred plates. What is left is mostly the luck of having only a
# hundred: by the formula of section 8, 24 right of 100 is 24 ± 4 %. The price is five training runs instead of one. (The
# five models share most of their training plates, so their results are not independent; do not divide by $\sqrt 5$ to
# get a standard error.) Use cross-validation to *choose* when data are scarce. In deep learning, where a single training run can take hours,
# you usually hold back a single validation set that is large enough.
#
# ### A learning curve
#
# Would more plates help, or a better model? Train the same classifier on more and more of the plates, and watch both
# accuracies.

# %%
shuffled = np.random.default_rng(seed).permutation(len(X_train))
sizes_tried, on_training, on_validation = [60, 120, 240, 480, 960, len(X_train)], [], []
for n in sizes_tried:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(X_train[shuffled[:n]], train.labels[shuffled[:n]])
    on_training.append(model.score(X_train[shuffled[:n]], train.labels[shuffled[:n]]))
    on_validation.append(model.score(X_val, val.labels))
    print(f"{n:5} plates: {on_training[-1]:.0%} right on those trained on, {on_validation[-1]:.0%} on the validation plates")

# %%
figs.learning_curve(sizes_tried, on_training, on_validation)

# %% [markdown]
# Read the **gap**. With 60 plates the model knows nearly all of them by heart, and is right on a third of the others: it
# overfits, and more data is what it needs. With every doubling the two curves come closer. At the right end they have nearly met, at about
# 60 and 67 %. From there on, more plates of the same kind would bring little, because the model cannot even explain those it was trained on.
# Now only better features or a model of higher **capacity**, one that can express more, will help. "More data, or a better model?" is the most useful
# question to ask before you collect ten thousand more pictures.

# %% [markdown]
# ## 10. Where is the food? Regression again
#
# MealoMi also draws a box around the food. A box is four numbers: $x_0, y_0$ is its upper left corner and $x_1, y_1$
# the lower right one, in pixels, with $x$ to the right and $y$ downward. A corner that is off by one pixel is nearly
# right, so this is regression, four times over. **Where being off by a little is nearly right, it is regression. That
# the answer is a number proves nothing, as the labels showed.** Much of object detection is built on regressing
# boxes.
#
# How good is a predicted box? Four errors in pixels are hard to judge: ten pixels are little for a pizza and a lot for
# a cherry. The **intersection over union** is a single number from 0 to 1:
#
# $$\text{IoU} = \frac{\text{area of the overlap}}{\text{area that the two boxes cover together}}$$
#
# **By hand.** Box A is $(1, 1, 5, 4)$: 4 wide, 3 high, area 12. Box B is $(3, 2, 9, 7)$: 6 wide, 5 high, area 30.
# Their overlap begins at the larger left border, $\max(1, 3) = 3$, and ends at the smaller right one, $\min(5, 9) =
# 5$; from top to bottom it runs from 2 to 4. That is $2 \cdot 2 = 4$. The union is $12 + 30 - 4 = 38$, since the sum
# of the two areas counts the overlap twice. So the IoU is $4/38 \approx 0.105$.
#
# Move the box with the sliders. How good does 0.5 look to you? Make a box of the right size that is off by a quarter
# of its width.

# %% tags=["demo"]
figs.iou_explorer(train.images[shown[4]], train.boxes[shown[4]])

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# A box with IoU 0.5 looks poor: it is clearly off, although it is about in the right place. A box of the right size,
# moved sideways by a quarter of its width $w$, overlaps the true one by $\tfrac34 w h$, and together they cover
# $\tfrac54 w h$, so the IoU is only $3/5 = 0.6$.
# </details>
#
# ### Exercise: `iou`
#
# Think of three cases before you start: boxes that are apart, boxes that only touch, and boxes without any area.

# %% exercise="01.iou"
def iou(box_a, box_b):
    """Intersection over union of two boxes.

    Parameters
    ----------
    box_a, box_b : numpy.ndarray
        (4,) floats each: x0, y0, x1, y1 with x0 <= x1 and y0 <= y1. Width is x1 - x0, height y1 - y0.

    Returns
    -------
    float
        From 0 to 1: 0 where the boxes are apart or only touch, and where neither has any area. The
        boxes are left as they are.

    Example
    -------
    >>> round(float(iou(np.array([1.0, 1.0, 5.0, 4.0]), np.array([3.0, 2.0, 9.0, 7.0]))), 3)
    0.105
    """
    ### BEGIN SOLUTION
    w = max(0.0, min(box_a[2], box_b[2]) - max(box_a[0], box_b[0]))
    h = max(0.0, min(box_a[3], box_b[3]) - max(box_a[1], box_b[1]))
    overlap = w * h
    areas = (box_a[2] - box_a[0]) * (box_a[3] - box_a[1]) + (box_b[2] - box_b[0]) * (box_b[3] - box_b[1])
    union = areas - overlap
    return overlap / union if union > 0 else 0.0
    ### END SOLUTION

# %% check="01.iou"
check("01.iou", iou)

# %% [markdown]
# ### A box by ridge regression
#
# A histogram does not know *where* anything is, so it is of no use here. We take other features: the picture shrunk to
# 8 by 8 squares, and for each square its mean red, green and blue, and how colorful it is (the largest of the three
# minus the smallest). The baseline is the mean box of the training plates. As always, `alpha` is chosen on the
# validation plates.

# %%
def grid(images):
    """Pictures, uint8 (N, H, W, 3), to floats (N, 256): four numbers for each of 8 x 8 squares."""
    n, height = images.shape[:2]
    step = height // 8
    squares = images.reshape(n, 8, step, 8, step, 3).mean(axis=(2, 4), dtype=np.float32) / 255
    colorful = squares.max(axis=3) - squares.min(axis=3)
    return np.concatenate([squares.reshape(n, -1), colorful.reshape(n, -1)], axis=1)


mean_box = train.boxes.mean(axis=0)
boxers = {alpha: make_pipeline(StandardScaler(), Ridge(alpha)).fit(grid(train.images), train.boxes) for alpha in (10, 100, 1000)}
val_iou = {alpha: figs.overlaps(model.predict(grid(val.images)), val.boxes).mean() for alpha, model in boxers.items()}
alpha = max(val_iou, key=val_iou.get)
print("IoU on the validation plates:", {a: round(float(v), 3) for a, v in val_iou.items()}, " chosen: alpha", alpha)

boxes = boxers[alpha].predict(grid(test.images))
found = figs.overlaps(boxes, test.boxes)
base = figs.overlaps(np.tile(mean_box, (len(test), 1)), test.boxes)
for words, values in (("ridge", found), ("mean box", base)):
    print(f"{words:<9} mean IoU {values.mean():.3f} ± {values.std() / np.sqrt(len(values)):.3f} on the test plates,  above 0.5: {np.mean(values > 0.5):.0%}")

# %%
figs.boxes(test.images[:8], test.boxes[:8], boxes[:8], mean_box)

# %% [markdown]
# The mean box is a strong baseline, because on our plates the food is nearly always in the middle of the picture. The
# regression moves the box a little toward the food. A linear model from 256 numbers (192 mean colors and 64
# colorfulness values) to four cannot do much more, because the same color means food in one place of one picture and
# table in the same place of another. In chapter 12 a network that has learned what food looks like takes over.
#
# ## 11. Which estimator to try first
#
# scikit-learn has dozens of models, and all of them have the same `fit` and `predict`. Its authors drew [a
# map](https://scikit-learn.org/stable/machine_learning_map.html) of which to try first. Here is a smaller one in the
# same spirit. Answer the questions, and you arrive at an estimator and see it run: names and groups on the three
# dishes of section 7, numbers on the energy of section 4.
#
# 1. Three paths lead to a classifier. Walk all three. How do the decision boundaries differ?
# 2. Ask for groups. No labels are given. Do the groups agree with the dishes?
# 3. Ask for a number, with *steps and exceptions*. Where is the curve flat, and why?

# %%
rank = np.random.default_rng(seed).permutation(len(some))[:90]
walk = {
    "train": (X_train[:600], train.labels[:600], train.kcal[:600]),  # enough for a walk
    "val": (X_val, val.labels, val.kcal),
    "plane": (trio_points[rank], trio_labels[rank]),
    "dishes": trio,
    "axes": axes,
    "cloud": (X_train[some][rank], trio_labels[rank]),
    "line": (fat, energy),
}

# %% tags=["demo"]
figs.estimator_chooser(walk)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# A linear classifier draws straight boundaries, nearest neighbors follow every bend of the data, and trees cut along
# the axes, so that their boundaries are made of steps. The groups follow the features and not the names: where two
# dishes have similar colors, a group holds both. The curve of a tree is flat between two questions, because all plates
# that give the same answers get the same number, and beyond the last training plate it stays flat for good.
# </details>
#
# Groups and maps need no right answers to learn from: that is **unsupervised learning**. For "under 50" examples
# there is no estimator, and the honest answer is to collect more. No model is best everywhere, so a map like this
# tells you where to begin, and the validation plates tell you where to stay.
#
# ## 12. In your own words
#
# This answer is read by a person, not by a program. Write eight to fifteen sentences.
#
# > A canteen wants to waste less. From a photo of each tray that comes back, MealoMi should say how many grams of food
# > are left on it. There are 1,200 photos: 300 trays, each photographed four times in a row from slightly different
# > angles, then weighed. More than half of the trays are empty (0 g). On some photos you can read the slip that the
# > kitchen scale prints. The intern shuffles the 1,200 photos, trains on 80 %, tries 30 models on the other 20 %, and
# > reports the best one's result on that same 20 %: "off by 9 g on average".
#
# 1. Is the question regression or classification? Say why.
# 2. Which metric would you use, in which unit? What does it tell the canteen?
# 3. Which baseline must the model beat? What does it answer for most trays, and why does that make "9 g" hard to judge?
# 4. Name at least three things that make the intern's number too good. What would you do instead of each?

# %% [markdown] written="01.essay" points=10
# **A model answer**
#
# The answer is a number of grams, and being off by a gram is nearly right, so it is regression. I would report the mean absolute
# error in grams on trays that the model has never seen, with its standard error: by how many grams an estimate for one tray is
# off. The baseline is the best constant. For the absolute error that is the median of the training trays, and since more than
# half are empty it is 0 g. Its error is the mean of what is left on a tray; without that number 9 g means nothing. I would also
# give the error on the trays that are not empty. Leaks: the four photos of a tray are near copies, and a random split puts them
# on both sides; split by tray. The best of 30 models is chosen on the set that judges it; choose on a validation set and use a
# test set once. The slip in the photo holds the answer; crop it or leave these photos out, since in real use a returned tray has none.
#
# ### BEGIN MARK SCHEME
# | points | for |
# |---|---|
# | 2 | Regression (1), because the answer is a number with an order and distances: being off by a little is nearly right (1). |
# | 2 | MAE or RMSE on unseen trays (1), in grams, said in words that the canteen understands (1). R squared alone: 1 of 2. |
# | 2 | The best constant, median or mean of the training trays (1). The median is 0 g, so the rival is right on every empty tray; 9 g must be compared with the rival's error, or the trays with food must be looked at on their own (1). |
# | 3 | One point for each of: photos of one tray on both sides, split by tray; chosen and judged on the same 20 %, use a third set; the slip shows the answer, remove it. Any other real leak, with its cure, counts instead of one. A leak without a cure: half a point. |
# | 1 | Clear, in whole sentences, in the field's words. |
#
# "Classification, because trays are empty or not" earns the first 2 points only where the writer says that the grams are then a
# second question, and a regression.
# ### END MARK SCHEME

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** Twelve dishes are stored as the labels 0 to 11. What is the question *which dish?*
#
# - a) regression, since labels can be averaged
# - b) regression, since the output is a number
# - c) classification
# - d) neither of the two
#
# **2.** You try 20 settings. How do you find out how good the best one is?
#
# - a) Take the one that is best on the test plates, and report that accuracy.
# - b) Choose on the validation plates, and then look at the test plates once.
# - c) Choose on the training plates, and report the accuracy there.
# - d) Choose on validation and test plates together, and report the accuracy on both.
#
# **3.** A model of the energy has $R^2 = -0.2$. What does it mean?
#
# - a) Its predictions fall where the truth rises.
# - b) It is nearly perfect, only 20 % away from it.
# - c) It explains 20 % of the variation.
# - d) Always saying the mean of the true values would have been better.
#
# **4.** Of 1,000 test plates 900 are pizza. A model is right on 90 %. How good is that?
#
# - a) No better than always saying pizza.
# - b) Very good: with twelve dishes, guessing gives 8 %.
# - c) Good: it is far above one half.
# - d) You cannot say anything until the test set is larger.
#
# **5.** What does scikit-learn's `LogisticRegression` do?
#
# - a) regression, as its name says
# - b) classification
# - c) it finds groups without labels
# - d) regression, since it gives probabilities

# %% exercise="01.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "b"
answer_3 = "d"
answer_4 = "a"
answer_5 = "b"
### END SOLUTION

# %% check="01.quiz"
check("01.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - Classification answers with a name, regression with a quantity. Ask whether being off by a little is nearly right.
# - Classical models need features. Designing them is most of the work, and no model can bring back what they leave
#   out.
# - Fit on the training set, choose on the validation set, and report on the test set.
# - Near copies on both sides of a split are the most common leak. Split by what repeats.
# - A number without its baseline and its standard error says little. Compare two models by their paired differences.
# - Precision is about what was named, recall about what is there. A threshold trades one for the other.
# - Where data are few, cross-validate. A learning curve says whether more data would help.
# - Look at the errors one by one: residuals against the prediction, a confusion matrix, a bar for each dish.
# - A box is four regressions.
#
# ### Cheat sheet
#
# | | classification | regression |
# |---|---|---|
# | answer | label $0, \dots, K-1$ | real number |
# | metric | accuracy $a$, standard error $\sqrt{a(1-a)/n}$ | MAE; $R^2 = 1 - \sum(\hat y - y)^2 / \sum(\bar y - y)^2$ |
# | of one class | precision hits/named, recall hits/there, $F_1 = 2PR/(P+R)$ | |
# | baseline | most frequent class | median (MAE), mean ($R^2$) |
# | look at | confusion matrix | residuals |
# | straight lines | `LogisticRegression` | `Ridge`; $A^\top A u = A^\top y$ with a column of ones |
# | neighbors | `KNeighborsClassifier`: vote | `KNeighborsRegressor`: mean |
# | trees | `RandomForestClassifier` | `GradientBoostingRegressor` |
# | boxes | | IoU = overlap / union |
#
# ### Words
#
# - **baseline**: what the simplest answer reaches, such as always naming the most frequent class; a model has to beat
#   it.
# - **capacity**: how much a model can express; one with too little of it underfits, however many examples there are.
# - **confusion matrix**: a table that counts, for each true class, how often each class was predicted.
# - **cross-validation**: training several times, each time with another part of the data held back, and averaging the
#   results; with $k$ parts, k-fold cross-validation.
# - **data leakage**: when what a model is tested on was known to it, in whole or in part, during training.
# - **feature**: a number computed from an input that a model uses instead of the input itself.
# - **hyperparameter**: a choice that training does not make, such as $k$ in k nearest neighbors; it is made on the
#   validation set.
# - **intersection over union**: the overlap of two boxes divided by the area that they cover together; 1 if they are
#   the same (IoU).
# - **k nearest neighbors**: predicting from the $k$ training examples that are closest.
# - **learning curve**: the error, or the accuracy, against the number of training examples, or against the epochs.
# - **least squares**: choosing the line with the smallest sum of squared residuals.
# - **mean absolute error**: the mean size of the residuals, in the unit of the answer (MAE).
# - **metric**: a number that says how good a model's answers are, such as the accuracy or the mean absolute error.
# - **overfitting**: fitting the training set's chance details, so that the error on new examples grows.
# - **paired differences**: the differences of two models' results on the same examples; their mean and its standard
#   error say whether one is better.
# - **precision**: the share of what was found that is right. **Recall** is the share of what is there that was found, and
#   **F1** is their harmonic mean.
# - **R squared**: the share of the true values' variation that a model explains: 1 for a perfect one, 0 for one that
#   is no better than their mean, and below 0 for a worse one.
# - **regression**: predicting a quantity. **Classification** predicts a class.
# - **residual**: the predicted value minus the true one.
# - **standard error**: how far an estimate typically lies from what a very large sample would give.
# - **supervised learning**: learning from examples that come with their right answers. **Unsupervised learning** has
#   the examples alone.
# - **threshold**: the probability, or score, above which a classifier says yes.
# - **training, validation and test set**: the examples to fit on, to choose on, and to report on, once.
# - **true positive**: a yes that is right; a **false positive** is a false alarm, and a **false negative** is one
#   that was missed.
# - **underfitting**: being too simple for the data, so that even the training error stays high.
#
# ### Next
#
# The features of this chapter were our idea. What we did not think of, the models never saw. Deep learning turns that
# around: **the features are learned, too**. It begins with one unit, smaller than anything you have met here: a
# weighted sum followed by a nonlinear function. Chapter 02 builds it.
#
# ### Further reading
#
# - [scikit-learn's user guide](https://scikit-learn.org/stable/user_guide.html), and its
#   [map of estimators](https://scikit-learn.org/stable/machine_learning_map.html).
# - [cs231n, Image classification](https://cs231n.github.io/classification/): nearest neighbors, splits and why pixels are
#   poor features.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/ml.html), chapter 5: tasks,
#   capacity, overfitting, validation.
# - Hastie, Tibshirani and Friedman, [The Elements of Statistical Learning](https://hastie.su.domains/ElemStatLearn/), chapters
#   2, 3 and 7.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/), to see where this leads.
