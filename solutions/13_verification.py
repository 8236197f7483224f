# %% [markdown]
# # 13 Faces and plates: verification
#
# Your network names twenty dishes. Tomorrow the canteen serves a twenty-first. The network has never heard its name,
# and all you have are two photographs. Do they show the same dish? A phone that unlocks for its owner faces the same
# kind of question: not *who is this?* but *is this the same person as before?* That is called **verification**.
#
# **When you are done, you can**
#
# - turn a network into an **embedding**, which gives similar pictures similar vectors;
# - write the two classical losses that train one, contrastive and triplet, and choose triplets worth learning from;
# - measure verification as the field does: pairs, ten folds, a threshold from nine of them, a standard error, a ROC
#   curve;
# - say why a method that is good on average may still fail for some, and what you must ask before you use it on
#   people.
#
# **What you build**: `cosine_similarity`, `contrastive_loss`, `triplet_loss`, `semi_hard_negatives`, `make_pairs`,
# `best_threshold`, `verification_accuracy` and `roc_curve`. With them MealoMi recognizes a dish that it has no name
# for.
#
# **Time**: about 90 minutes. **You need**: training in PyTorch (chapters 08 and 09). No face is shown in this
# chapter.

# %%
import time

import numpy as np
import torch

from introdl import check, data, figures, game, hint, models, verification
from introdl.experiments import records
from introdl.figures import verification as figs

figures.use_style()

# %% tags=["parameters"]
seed = 13  # of the network's first weights and of the batches
steps = 60  # of the training in section 4: batches of 60 pictures
size = 32  # height and width of the pictures, in pixels

# %% [markdown]
# ## 1. Who is who?
#
# **Labeled Faces in the Wild** (LFW) is a set of 13,233 news photographs of 5,749 people, published in
# [2007](https://vis-www.cs.umass.edu/lfw/). It asks: do these two photographs show the same person? There are 6,000
# pairs, and half of them do. So guessing gets half of them right.
#
# | who | accuracy on LFW | source |
# |---|---|---|
# | people, on the cropped faces | 97.53 % | [Kumar and others, 2009](https://doi.org/10.1109/ICCV.2009.5459250) |
# | DeepFace, an ensemble of CNNs, trained on 4.4 million faces of 4,030 people | 97.35 % | [Taigman and others, 2014](https://www.cv-foundation.org/openaccess/content_cvpr_2014/html/Taigman_DeepFace_Closing_the_2014_CVPR_paper.html) |
# | FaceNet, trained on pictures of about 8 million people | 99.63 % | [Schroff and others, 2015](https://arxiv.org/abs/1503.03832) |
#
# The people in the test are not the people in the training set. A classifier is no help there, because it has one
# score for each person that it was trained on. So its last layer is thrown away, and you keep what comes before it: a
# vector. Two pictures are called the same if their vectors are similar enough.
#
# We do this with dishes. The network learns from the twelve **base** dishes and never sees the eight **specials**:
# bagel, waffles, hot dog, tomato, sushi, steak, chocolate cake and cheesecake.

# %%
base = data.plates(size=size, dishes="base")
train, known = base.split("train"), base.split("val")
specials = data.plates(size=size, dishes="special")
print(f"to learn from: {len(train):,} pictures of {len(train.classes)} dishes")
print(f"to verify:     {len(specials):,} pictures of {len(specials.classes)} other dishes: {', '.join(specials.classes)}")

# %% [markdown]
# ## 2. Cosine similarity: how alike are two vectors?
#
# You know the answer from chapters 10 and 12. The **cosine similarity** of two vectors $a$ and $b$, each of shape
# $(D,)$, is their dot product divided by both lengths:
#
# $$\cos(a, b) = \frac{\sum_d a_d b_d}{\lVert a \rVert \, \lVert b \rVert}, \qquad \lVert a \rVert = \sqrt{\textstyle\sum_d a_d^2}$$
#
# It is 1 if they point in the same direction, 0 if they are at a right angle, and −1 if they point in opposite
# directions. How long they are does not matter.
#
# **By hand**: $a = (3, 4)$ and $b = (4, 3)$. The dot product is $12 + 12 = 24$, both lengths are 5, and $24 / 25 = 0.96$.
#
# For vectors of length 1, the cosine and the squared distance say the same thing: $\lVert a - b \rVert^2 = 1 - 2 a
# \cdot b + 1 = 2 - 2 \cos(a, b)$.
#
# ### Exercise: `cosine_similarity`
#
# The checks of this chapter do not accept the cosines of scikit-learn, torch and SciPy, nor `introdl.verification`,
# which contains all of this chapter's functions. For a hint, call `hint("13.cosine_similarity")` in a cell of your
# own.

# %% exercise="13.cosine_similarity"
def cosine_similarity(a, b):
    """Return the cosine similarity of each row of a and the same row of b.

    Parameters
    ----------
    a, b : numpy.ndarray
        (N, D) floats: N pairs of vectors.

    Returns
    -------
    numpy.ndarray
        (N,) floats from -1 to 1. Where one of the two vectors is all zeros: 0. The inputs are
        left as they are.

    Example
    -------
    >>> cosine_similarity(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 3.0], [1.0, 0.0]]))
    array([0.96, 0.  ])
    """
    ### BEGIN SOLUTION
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)
    ### END SOLUTION

# %% check="13.cosine_similarity"
check("13.cosine_similarity", cosine_similarity)

# %% [markdown]
# ## 3. Losses for pairs and triplets
#
# ### The contrastive loss
#
# The first idea is from [Hadsell, Chopra and LeCun,
# 2006](http://yann.lecun.com/exdb/publis/pdf/hadsell-chopra-lecun-06.pdf): pull the two pictures of a pair together
# if they show one dish, and push them apart if they show two, but only up to a margin.
#
# $$L = \frac1N \sum_{i=1}^N \begin{cases} \tfrac12 d_i^2 & \text{one dish} \\ \tfrac12 \max(0,\, m - d_i)^2 & \text{two dishes} \end{cases}$$
#
# - $d_i$: the distance between the two vectors of pair $i$; all distances together have the shape $(N,)$. $m$: the **margin**,
#   one number.
#
# **By hand**, with $m = 2$: a pair of one dish at distance 3 costs $\tfrac12 \cdot 9 = 4.5$. A pair of two dishes
# costs $\tfrac12 (2-1)^2 = 0.5$ at distance 1, and nothing at distance 5. The mean of the three is $5/3$.

# %%
figs.contrastive_curves(margin=1.0)

# %% [markdown]
# ### Exercise: `contrastive_loss`
#
# Here the inputs are torch tensors, and the check looks at your loss *and* at the gradient that flows back through
# it.

# %% exercise="13.contrastive_loss"
def contrastive_loss(distance, same, margin):
    """Return the contrastive loss of N pairs.

    Parameters
    ----------
    distance : torch.Tensor
        (N,) float32, 0 or more: the distance between the two vectors of each pair.
    same : torch.Tensor
        (N,) bool: True where a pair shows one dish. All may be True, or none.
    margin : float
        Pairs of two dishes that are at least this far apart cost nothing.

    Returns
    -------
    torch.Tensor
        One number: the mean over all N pairs. It keeps its gradient.

    Example
    -------
    >>> d = torch.tensor([3.0, 1.0, 5.0], requires_grad=True)
    >>> contrastive_loss(d, torch.tensor([True, False, False]), 2.0).item()
    1.6666666269302368
    """
    ### BEGIN SOLUTION
    terms = torch.where(same, distance**2, torch.relu(margin - distance) ** 2)
    return terms.mean() / 2
    ### END SOLUTION

# %% check="13.contrastive_loss"
check("13.contrastive_loss", contrastive_loss)

# %% [markdown]
# ### The triplet loss
#
# The contrastive loss wants to put all pictures of a dish on a single point, but some dishes vary more than others.
# FaceNet asks for less: an **anchor** $a$ should be nearer to a **positive** $p$ (the same dish) than to a **negative**
# $n$ (another dish), by a margin:
#
# $$L = \frac1N \sum_{i=1}^N \max\big(0,\; \lVert a_i - p_i \rVert^2 - \lVert a_i - n_i \rVert^2 + m\big)$$
#
# - $a, p, n$: vectors, $(N, D)$ each. $m$: the margin, one number, here between *squared* distances. FaceNet uses 0.2.
#
# **By hand**: $a = (0, 0)$, $p = (1, 0)$, $m = 0.5$. With $n = (0, 2)$ you get $1 - 4 + 0.5 = -2.5$, so this triplet
# costs nothing. With $n = (1, 1)$ it is $1 - 2 + 0.5 = -0.5$, and again nothing. With $n = (0, 1)$ it costs $1 - 1 + 0.5 = 0.5$.
#
# 1. Move the negative out past the dotted circle. What happens to the loss, and what is left to learn?
# 2. Put the negative between the two circles, where it is called *semi-hard*. Then put it inside the dashed circle,
#    where it is *hard*.
# 3. Put all three points in the same place. What is the loss now, and why might a network be tempted to go there?
#
# <details><summary>What you should have seen</summary>
#
# Past the dotted circle the loss is 0, and so is its gradient: an *easy* triplet teaches nothing. Between the circles
# the loss is more than 0 but less than the margin, and inside the dashed one it is larger than the margin. With all
# three points in one place, both distances are 0 and the loss is exactly the margin. That is less than any hard
# triplet costs. So if a network meets only hard triplets, it can lower its loss by mapping every picture to the same
# vector. This is called **collapse**, and such an embedding is useless.
# </details>

# %% tags=["demo"]
figs.triplet_board()

# %% [markdown]
# ### Exercise: `triplet_loss`

# %% exercise="13.triplet_loss"
def triplet_loss(anchor, positive, negative, margin):
    """Return the triplet loss with squared distances, as in FaceNet.

    Parameters
    ----------
    anchor, positive, negative : torch.Tensor
        (N, D) float32: N triplets of vectors.
    margin : float
        How much the negative's squared distance should exceed the positive's.

    Returns
    -------
    torch.Tensor
        One number: the mean over all N triplets. It keeps its gradient.

    Example
    -------
    >>> a, p, n = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> triplet_loss(a, p, n, 0.5).item()
    0.5
    """
    ### BEGIN SOLUTION
    near = ((anchor - positive) ** 2).sum(dim=1)
    far = ((anchor - negative) ** 2).sum(dim=1)
    return torch.relu(near - far + margin).mean()
    ### END SOLUTION

# %% check="13.triplet_loss"
check("13.triplet_loss", triplet_loss)

# %% [markdown]
# ### Which triplets? Semi-hard negatives
#
# After a little training most triplets cost nothing, so they teach nothing either. The **hardest** negatives, the
# nearest ones of all, sound best, but FaceNet's authors report that they can lead to collapse. They use **semi-hard**
# negatives instead: farther away than the positive, but as near as possible.
#
# **By hand**: from the anchor, picture 0, the distances to pictures 0 to 4 are 0, 2, 1, 3 and 5, and the labels are
# 0, 0, 1, 1 and 1. The positive is picture 1, at distance 2. The negatives are pictures 2, 3 and 4, at distances 1, 3
# and 5. Two of them are farther away than the positive, 3 and 4, and the nearer of these is picture 3.
#
# ### Exercise: `semi_hard_negatives`

# %% exercise="13.semi_hard_negatives"
def semi_hard_negatives(distances, labels, anchors, positives):
    """Choose a negative for each pair of an anchor and a positive.

    Parameters
    ----------
    distances : numpy.ndarray
        (N, N) floats: the distance between any two pictures of a batch; symmetric. No two pairs
        are equally far apart.
    labels : numpy.ndarray
        (N,) int64; at least two different ones.
    anchors, positives : numpy.ndarray
        (M,) int64: indices of two different pictures of one dish.

    Returns
    -------
    numpy.ndarray
        (M,) whole numbers, the index of each negative: the nearest of those pictures with
        another label that are farther from the anchor than the positive. Where there is none,
        the farthest picture with another label.

    Example
    -------
    >>> d = np.array([[0, 2, 1, 3.0], [2, 0, 4, 5], [1, 4, 0, 6], [3, 5, 6, 0]])
    >>> semi_hard_negatives(d, np.array([0, 0, 1, 1]), np.array([0]), np.array([1]))
    array([3])
    """
    ### BEGIN SOLUTION
    rows = distances[anchors]
    negative = labels[anchors][:, None] != labels
    farther = negative & (rows > distances[anchors, positives][:, None])
    nearest = np.where(farther, rows, np.inf).argmin(axis=1)
    farthest = np.where(negative, rows, -np.inf).argmax(axis=1)
    return np.where(farther.any(axis=1), nearest, farthest)
    ### END SOLUTION

# %% check="13.semi_hard_negatives"
check("13.semi_hard_negatives", semi_hard_negatives)

# %% [markdown]
# ## 4. Training an embedding
#
# A small CNN, a dense layer with 64 outputs, and a division by the length: that is the embedding. Each batch has five
# pictures of each base dish, augmented as in chapter 09. Every pair of one dish in the batch serves as anchor and
# positive, with its semi-hard negative. (This cell uses the course's own losses, so it runs before yours are
# written.)

# %% tags=["demo"]
torch.manual_seed(seed)
network = models.PlainCNN(len(train.classes), widths=(32, 64, 128, 192))
embedder = verification.Embedder(network, width=192, dimensions=64)
settings = verification.LearningSettings(steps=steps, batch_size=60, seed=seed)

losses, begun = [], time.perf_counter()
statistics = verification.learn(
    embedder,
    np.asarray(train.images),
    train.labels,
    verification.triplet,
    settings,
    device="cpu",
    on_step=lambda step, loss: losses.append(loss),
)
print(f"{steps} steps in {time.perf_counter() - begun:.0f} s; loss of the first batch, with random weights: {losses[0]:.2f}")
figs.learning_curve(losses)

# %% [markdown]
# Be careful when you read this curve. A semi-hard negative is farther away than its positive, so its triplet costs
# less than the margin of 0.2, *whatever the network has learned*. (Only where no negative is farther away, and the
# farthest one is used instead, can a triplet cost more.) That is why the very first loss, from random weights, is
# already below 0.2. And as the network improves, the semi-hard negatives get harder too. So the loss tells you that
# something is being learned, but not how much; for that you need a measurement.
#
# ## 5. Drawing pairs, as in LFW
#
# To measure the embedding, draw pairs: the same number of one dish as of two. Otherwise you would think highly of a
# method that always says "different": of all pairs of special pictures, seven in eight show two dishes.
#
# **By hand**: there are 7 pictures, of dishes with 3, 2 and 2 of them. They make $7 \cdot 6 / 2 = 21$ pairs, of which
# $3 + 1 + 1 = 5$ show one dish. The other 16 show two.
#
# ### Exercise: `make_pairs`

# %% exercise="13.make_pairs"
def make_pairs(labels, n, rng):
    """Draw n pairs of one dish, and n pairs of two dishes, at random.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64: the dish of each picture. Some dishes may have only one picture.
    n : int
        Number of pairs of each kind. There are enough of them.
    rng : numpy.random.Generator
        Makes all random draws.

    Returns
    -------
    pairs : numpy.ndarray
        (2 n, 2) whole numbers: the indices of two pictures, in any order. No picture is paired
        with itself, and no pair occurs twice: (3, 8) and (8, 3) are the same pair.
    same : numpy.ndarray
        (2 n,) bool: True where a pair shows one dish.

    Example
    -------
    >>> pairs, same = make_pairs(np.array([0, 0, 1, 1]), 2, np.random.default_rng(0))
    >>> pairs.shape, int(same.sum())
    ((4, 2), 2)
    """
    ### BEGIN SOLUTION
    first, second = np.triu_indices(len(labels), 1)
    alike = labels[first] == labels[second]
    chosen = np.concatenate([rng.choice(np.flatnonzero(kind), n, replace=False) for kind in (alike, ~alike)])
    return np.column_stack([first[chosen], second[chosen]]), alike[chosen]
    ### END SOLUTION

# %% check="13.make_pairs"
check("13.make_pairs", make_pairs)

# %% [markdown]
# The chapter's own pairs are ten **folds** of 300 and 300, like LFW's, and no picture is in two folds. In LFW no *person*
# is in two folds. With eight dishes that is impossible, so our folds are not as independent as LFW's.

# %% tags=["demo"]
pairs = verification.draw_pairs(specials.labels, per_fold=300, folds=10, seed=0)


def similarities_of(vectors, pairs):
    return verification.cosine(vectors[pairs.first], vectors[pairs.second])


vectors = verification.embed(embedder, specials.images, *statistics)
similarities = similarities_of(vectors, pairs)
large = data.plates(size=96, dishes="special")  # the same pictures, to look at
order = np.argsort(similarities)
different, alike = order[~pairs.same[order]], order[pairs.same[order]]
shown = np.concatenate([alike[-2:], alike[:2], different[-2:], different[:2]])
figs.pairs_of_pictures(
    large.images,
    list(zip(pairs.first[shown], pairs.second[shown], strict=True)),
    [f"{'one dish' if pairs.same[i] else 'two dishes'}\n{similarities[i]:.2f}" for i in shown],
    "Most and least similar pairs of one dish (left) and of two dishes (right)",
    "Eight pairs of special plates with their similarities: the two most similar and the two least similar pairs of one dish, then of two "
    "dishes: " + "; ".join(f"{specials.classes[specials.labels[pairs.first[i]]]} and {specials.classes[specials.labels[pairs.second[i]]]} {similarities[i]:.2f}" for i in shown),
)

# %% [markdown]
# ### You against the network
#
# Look at two plates and say whether they show the same dish. Then the network answers, by the similarity of its two
# vectors: at or above a certain **threshold** it says *same*. (The next section is about that threshold. It was not
# chosen on the pairs that you play with.) The network was never trained on these dishes. You have probably eaten most
# of them.
#
# 1. Play ten pairs. Who is better?
# 2. Look at the pairs that only one of you got right. What did you see that the network did not?
#
# <details><summary>What you should have seen</summary>
#
# Ten pairs are few: even if you get nine and the network six, chance may have had a hand in it. Most people win,
# since they recognize the food whatever plate it lies on and however it is lit. The network compares what helped it
# to tell twelve *other* dishes apart, mostly color, outline and texture. So it takes two round brown things for the
# same dish, and two pictures of one dish from different angles for two.
# </details>

# %% tags=["demo"]
game.same_or_not(large, pairs, similarities)

# %% [markdown]
# ## 6. A threshold, and an honest accuracy
#
# The answer is *same* if the similarity is at or above a **threshold**. Move it:
#
# 1. Go to the right until no pair of two dishes is let in. How many pairs of one dish are turned away?
# 2. Find the threshold with the most right answers. Where do the two histograms cross?
# 3. How does the point on the ROC curve move as you go to the left?
#
# <details><summary>What you should have seen</summary>
#
# To keep out every pair of two dishes you need a threshold near 1, and there you turn away nearly all pairs of one
# dish. The best threshold lies about where the histograms cross: to the right of it, each further step loses more
# pairs of one dish than it keeps out pairs of two, and to the left it is the other way around. Further to the left
# more of both kinds are let in, so the point moves up and to the right, from (0, 0) to (1, 1).
# </details>

# %% tags=["demo"]
figs.threshold_explorer(similarities, pairs.same, threshold=round(verification.threshold_of(similarities, pairs.same) * 50) / 50)

# %% [markdown]
# Which thresholds are worth trying? The answers change only when the threshold passes the similarity of a pair, so it
# is enough to try the similarities themselves.
#
# **By hand**: the similarities are 0.8, 0.7, 0.6 and 0.4, and the truth is same, same, different, different. At a
# threshold of 0.7 all four are right. At 0.8 the second pair is lost, and at 0.6 the third is let in.
#
# ### Exercise: `best_threshold`

# %% exercise="13.best_threshold"
def best_threshold(similarities, same):
    """Find a threshold with as many right answers as possible.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats from -1 to 1; some may be equal.
    same : numpy.ndarray
        (P,) bool: True where a pair shows one dish; half of them do.

    Returns
    -------
    float
        t, such that `similarities >= t` agrees with `same` as often as possible. If several are
        equally good, any of them.

    Example
    -------
    >>> float(best_threshold(np.array([0.8, 0.7, 0.6, 0.4]), np.array([True, True, False, False])))
    0.7
    """
    ### BEGIN SOLUTION
    candidates = np.unique(similarities)
    right = [np.sum((similarities >= t) == same) for t in candidates]
    return candidates[np.argmax(right)]
    ### END SOLUTION

# %% check="13.best_threshold"
check("13.best_threshold", best_threshold)

# %% [markdown]
# But the best threshold has seen the answers. So LFW chooses it on nine folds and measures on the tenth, and each
# fold has its turn. From the ten accuracies $q_1, \dots, q_F$ ($F = 10$) it reports their mean and its **standard
# error**:
#
# $$\bar q = \frac1F \sum_k q_k, \qquad S = \frac{\hat\sigma}{\sqrt F}, \qquad \hat\sigma^2 = \frac{1}{F - 1} \sum_k (q_k - \bar q)^2$$
#
# **By hand**: the accuracies are 0.7, 0.8 and 0.9. The mean is 0.8, $\hat\sigma = 0.1$, and $S = 0.1 / \sqrt 3 = 0.058$.
#
# ### Exercise: `verification_accuracy`

# %% exercise="13.verification_accuracy"
def verification_accuracy(similarities, same, folds):
    """Return the accuracy by LFW's protocol: each fold is judged by a threshold from all the others.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats from -1 to 1.
    same : numpy.ndarray
        (P,) bool; in each fold half of them are True.
    folds : numpy.ndarray
        (P,) int64 from 0 to F - 1: the fold of each pair, in no particular order. Folds may
        differ in size.

    Returns
    -------
    tuple of two floats
        The mean of the F folds' accuracies, and its standard error (with F - 1). The answer is
        "same" at or above the threshold. The check's numbers are chosen such that it does not
        matter which of several equally good thresholds you use.

    Example
    -------
    >>> s = np.array([0.9, 0.2, 0.8, 0.3, 0.2, 0.9])
    >>> same = np.array([True, False, True, False, True, False])
    >>> mean, error = verification_accuracy(s, same, np.array([0, 0, 1, 1, 2, 2]))
    >>> round(float(mean), 3), round(float(error), 3)
    (0.667, 0.333)
    """
    ### BEGIN SOLUTION
    accuracies = []
    for fold in np.unique(folds):
        own = folds == fold
        candidates = np.unique(similarities[~own])
        right = [np.sum((similarities[~own] >= t) == same[~own]) for t in candidates]
        threshold = candidates[np.argmax(right)]
        accuracies.append(np.mean((similarities[own] >= threshold) == same[own]))
    return np.mean(accuracies), np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))
    ### END SOLUTION

# %% check="13.verification_accuracy"
check("13.verification_accuracy", verification_accuracy)

# %% [markdown]
# How good is the network that you have just trained? For comparison, here are two methods that learn nothing, and the
# same network on new pictures of dishes that it does know:

# %% tags=["demo"]
known_pairs = verification.draw_pairs(known.labels, per_fold=100, folds=4, seed=0)
average = verification.pixels(train.images).mean(axis=0)
measured = {
    "raw pixels": (similarities_of(verification.pixels(specials.images) - average, pairs), pairs),
    "color histogram": (similarities_of(verification.color_histograms(specials.images), pairs), pairs),
    "triplet loss": (similarities, pairs),
    "triplet loss, known dishes": (similarities_of(verification.embed(embedder, known.images, *statistics), known_pairs), known_pairs),
}
for name, (values, some) in measured.items():
    outcome = verification.ten_folds(values, some)
    print(f"{name:27} {outcome.mean:.1%} ± {outcome.standard_error:.1%}")

# %% [markdown]
# ## 7. The ROC curve
#
# Accuracy treats both mistakes alike. A lock does not: keeping the owner out is a nuisance, letting a stranger in is
# a break-in. So go through all thresholds and note two rates:
#
# - the **false positive rate**: the share of pairs of two dishes that are called the same;
# - the **true positive rate**: the share of pairs of one dish that are called the same.
#
# The line through all these points is the **ROC curve** (*receiver operating characteristic*). The area under it, the **AUC**,
# is the probability that a random pair of one dish has a higher similarity than a random pair of two. And whoever
# builds a lock asks for *the true positive rate at a false positive rate of 1 %*, or less.
#
# **By hand**: the similarities are 0.9, 0.8, 0.5 and 0.3, and the truth is same, different, same, different. The
# thresholds $\infty$, 0.9, 0.8, 0.5 and 0.3 give the points (0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1) and (1, 1).
#
# ### Exercise: `roc_curve`

# %% exercise="13.roc_curve"
def roc_curve(similarities, same):
    """Return false and true positive rates, from the strictest threshold to the loosest.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats from -1 to 1; some may be equal.
    same : numpy.ndarray
        (P,) bool, with both values.

    Returns
    -------
    false, true : two numpy.ndarray
        (T + 1,) floats each, for T different similarities. The first point belongs to a
        threshold above all of them; then comes one for each different similarity, from high to
        low. A pair is called the same if its similarity is at or above the threshold.

    Example
    -------
    >>> roc_curve(np.array([0.9, 0.8, 0.5, 0.3]), np.array([True, False, True, False]))
    (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    ### BEGIN SOLUTION
    false, true = [], []
    for t in [np.inf, *np.unique(similarities)[::-1]]:
        said = similarities >= t
        false.append(said[~same].mean())
        true.append(said[same].mean())
    return np.array(false), np.array(true)
    ### END SOLUTION

# %% check="13.roc_curve"
check("13.roc_curve", roc_curve)

# %% tags=["demo"]
curves = {name: verification.roc(values, some.same)[:2] for name, (values, some) in measured.items()}
for name, (false, true) in curves.items():
    print(f"{name:27} AUC {verification.area_under(false, true):.3f}   found at 1 % false: {verification.true_rate_at(false, true, 0.01):.1%}")
figs.roc_curves(curves, "Dishes that it knows, dishes that it has never seen, and two methods that learn nothing")

# %% [markdown]
# ## 8. What helps with dishes never seen? The record
#
# A longer experiment was recorded once, by `python -m introdl.experiments.verification`. Networks of the same kind
# learn from three, six or twelve base dishes (the seed draws which), always from 672 pictures in all and in 120 steps
# of 120 pictures. All of them are measured on the same 6,000 pairs of specials.

# %%
record = records.load("verification")
figs.recorded_methods(record)

# %%
figs.recorded_classes(record)
for run in record["runs"]:
    if run["dishes"] == 3 and run["method"] == "classifier":
        print(f"seed {run['seed']}: three dishes are {', '.join(run['which'])}")

# %% [markdown]
# The whiskers are one standard deviation over the seeds (a single run has none). Is a difference real? The course's
# rule, from chapters 01 and 09, is to take paired differences, here between runs with the same seed, and to compare
# their mean with its standard error; with three pairs, ask for 4 standard errors:

# %%
def paired(better, worse, where="specials"):
    """Differences in accuracy, in points, between runs with the same seed: a text."""
    runs = {(run["method"], run["dishes"], run["seed"]): 100 * run[where]["accuracy"] for run in record["runs"] if where in run}
    found = [runs[(*better, seed)] - runs[(*worse, seed)] for seed in range(3)]
    told = ", ".join(f"{each:+.1f}" for each in found)
    return f"{told}; mean {np.mean(found):+.2f}, standard error {np.std(found, ddof=1) / 3**0.5:.2f}"


for method in ("classifier", "triplet"):
    for few, many in ((3, 6), (6, 12)):
        print(f"{method}, {many} dishes minus {few}: {paired((method, many), (method, few))}")
print(f"12 dishes, classifier minus triplet: {paired(('classifier', 12), ('triplet', 12))}")
print(f"12 dishes, classifier minus contrastive: {paired(('classifier', 12), ('contrastive', 12))}")

# %% [markdown]
# Three lessons, as far as three seeds allow:
#
# - **On known dishes every network does far better than on new ones.** It learns what tells *these* dishes apart, and
#   that need not be what tells others apart. More dishes help: from six to twelve, accuracy on new dishes rises by
#   more than 4 standard errors with both methods. From three to six there is no such difference, and the runs with
#   three dishes vary most, since each seed draws other dishes. FaceNet had millions of people to learn from; we have
#   twelve dishes.
# - **The features of a plain classifier are hard to beat.** On the specials they are ahead of the triplet loss and of
#   the contrastive loss with every seed. Whether a special loss pays off is something to measure, not to believe:
#   [Musgrave, Belongie and Lim, 2020](https://arxiv.org/abs/2003.08505) compared many such losses under equal
#   conditions and found that the newer ones had gained much less than their papers said.
# - **Which method is best depends on the test.** What about real photographs? The same networks, which have seen only
#   rendered plates, were also measured on pairs of fruit and vegetables from the [Grocery Store
#   Dataset](https://github.com/marcusklasson/GroceryStoreDataset):

# %%
print(f"{'method':17} dishes  specials   grocery")
for method, dishes in (("pixels", 0), ("color histogram", 0), ("contrastive", 12), ("triplet", 12), ("classifier", 12)):
    found = [run for run in record["runs"] if (run["method"], run["dishes"]) == (method, dishes) and "grocery" in run]
    if found:
        means = [np.mean([run[where]["accuracy"] for run in found]) for where in ("specials", "grocery")]
        print(f"{method:17} {dishes:>6}  {means[0]:8.1%}  {means[1]:8.1%}   ({len(found)} run{'s' * (len(found) > 1)})")
print(f"grocery, contrastive minus classifier: {paired(('contrastive', 12), ('classifier', 12), 'grocery')}")

# %% [markdown]
# On the photographs the order changes: here the contrastive loss is ahead of the classifier with every seed, by 1.97
# points with a standard error of 0.55. That is 3.6 standard errors, so by our rule it is likely but not settled. And
# look at the line of the color histogram. It has learned nothing, and still it does better on the photographs than
# any of the networks. Fruit of one kind has its color, and several photographs can show one and the same shelf, so
# part of this task is easier than it looks. Always ask what the simplest method gets.
#
# ## 9. And faces? Consent, bias and the law
#
# All of this works on faces, too, and the code would not change. What changes is that a plate does not mind.
#
# **Consent.** A face is a key that you cannot change, and that can be read from a distance without your knowledge.
# LFW's photographs came from news pages, and the people in them were not asked. Its makers [write
# today](https://vis-www.cs.umass.edu/lfw/) that no result on LFW should be taken to mean that a system is fit for
# commercial use. In the European Union, biometric data that identifies a person is a special category of data. It may
# not be processed except on one of a few grounds, explicit consent among them ([GDPR, Article
# 9](https://eur-lex.europa.eu/eli/reg/2016/679/oj)).
#
# **Who is it wrong for?** A single number hides that. [Gender
# Shades](https://proceedings.mlr.press/v81/buolamwini18a.html) (Buolamwini and Gebru, 2018) tested three commercial
# systems that guess gender from a face: for lighter-skinned men they were wrong in at most 0.8 % of cases, for
# darker-skinned women in up to 34.7 %. NIST, the US National Institute of Standards and Technology, measured 189
# algorithms on over 18 million pictures ([NISTIR 8280](https://doi.org/10.6028/NIST.IR.8280), 2019). At one and the
# same threshold, the rates of false matches often differed between groups of people by factors of 10 to more than 100.
# You can see one way in which this happens: a threshold is chosen on pairs, and people who are rare among those pairs
# have no say in it.
#
# **The law.** The EU's [AI Act](https://eur-lex.europa.eu/eli/reg/2024/1689/oj) (Regulation 2024/1689) forbids
# building databases of faces by untargeted scraping of the internet or of camera footage (Article 5(1)(e)), and *real-time
# remote biometric identification* in public places for law enforcement, with narrow exceptions (Article 5(1)(h)).
# Other remote identification counts as high-risk (Annex III). *Verification*, which only confirms that a person is
# who they claim to be, does not.
#
# Before you build such a system, ask: Did these people agree, and can they say no at no cost to them? What happens to
# someone who is wrongly matched, and who tells them? What are both error rates for each group, at the threshold that
# is used? Does it need faces at all?
#
# Your plates can show you the pattern. One threshold, eight dishes: which dish does it serve worst?

# %% tags=["demo"]
threshold = verification.threshold_of(similarities, pairs.same)
said = similarities >= threshold
for label, dish in enumerate(specials.classes):
    touched = (specials.labels[pairs.first] == label) | (specials.labels[pairs.second] == label)
    own, strangers = touched & pairs.same, touched & ~pairs.same
    print(f"{dish:15} false rejects {np.mean(~said[own]):4.0%}   false accepts {np.mean(said[strangers]):4.0%}")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# The two rates differ from dish to dish, and by much more than chance. A dish that varies a lot from plate to plate
# is often not recognized as itself (false rejects), and a dish that looks like other specials is often taken for them
# (false accepts). One threshold for all cannot be right for each of them. The overall accuracy shows none of this,
# and with people it would not either.
# </details>
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** You have two pictures of a dish that no network was trained on. How do you find out whether they show the
# same dish?
#
# - a) Use a classifier, and see whether both get the same name.
# - b) Add a row for the dish to the classifier's last layer.
# - c) Compare the two vectors before the last layer.
# - d) First train a classifier with more dishes.
#
# **2.** A triplet's squared distances are 0.5 to the positive and 0.9 to the negative. The margin is 0.2. What is its
# loss?
#
# - a) 0
# - b) 0.2
# - c) 0.6
# - d) −0.2
#
# **3.** Why does the threshold come from the other nine folds?
#
# - a) Nine folds contain more pairs than one.
# - b) Otherwise there would be no standard error.
# - c) It is faster.
# - d) The fold that measures must have no say in it.
#
# **4.** A lock may let in one stranger in a thousand. Which number says how often it opens for its owner?
#
# - a) the accuracy
# - b) the true positive rate at a false positive rate of 0.1 %
# - c) the area under the ROC curve
# - d) the lowest threshold that finds every pair
#
# **5.** A face verifier is right in 99 % of all attempts. What does that say about how it treats different groups of
# people?
#
# - a) It treats all of them well.
# - b) It is fair, since the threshold is the same for all.
# - c) Nothing, until both error rates are measured for each group.
# - d) Little, but its mistakes do no harm.

# %% exercise="13.quiz"
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
answer_5 = "c"
### END SOLUTION

# %% check="13.quiz"
check("13.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - An embedding turns *is it the same?* into *how similar?*, also for classes that it was never trained on.
# - The contrastive loss pulls and pushes pairs. The triplet loss only asks for an order, with a margin, and what it
#   learns depends on which triplets you choose.
# - A threshold is a parameter like any other: choose it on other data than you measure on.
# - There are two kinds of mistakes and two rates. Report both, at the threshold that is used, and for each group.
# - A difference between methods counts if its paired differences say so, and only on the data where you measured it.
#
# ### Cheat sheet
#
# | what | formula | shape |
# |---|---|---|
# | cosine | $a \cdot b / (\lVert a \rVert \lVert b \rVert)$ | $(N, D), (N, D) \to (N,)$ |
# | contrastive | $\frac12 d^2$, or $\frac12 \max(0, m - d)^2$; the mean | $(N,)$ to one number |
# | triplet | $\max(0, \lVert a-p \rVert^2 - \lVert a-n \rVert^2 + m)$; the mean | $(N, D)$ three times to one number |
# | protocol | threshold from $F - 1$ folds, accuracy on one; mean and $\hat\sigma / \sqrt F$ | two numbers |
# | ROC | false against true positive rate, from the strictest threshold on | $(T + 1,)$ each |
#
# ### Words
#
# - **anchor, positive, negative**: a picture, another one of the same class, and one of a different class.
# - **AUC**: the area under the ROC curve: the chance that a pair of the same class is more similar than a pair of
#   different ones.
# - **collapse**: when an embedding maps everything to nearly one point.
# - **contrastive loss**: pulls pairs of the same class together, and pushes others apart up to a margin.
# - **cosine similarity**: the product of two vectors divided by their lengths.
# - **false positive rate**: the share of different pairs that are accepted. The **true positive rate** is the share of
#   same pairs that are.
# - **hard example**: one that the loss still has something to say about; **semi-hard** negatives are farther than the
#   positive, but inside the margin.
# - **ROC curve**: the true positive rate against the false positive rate, for all thresholds.
# - **triplet loss**: asks the negative to be farther from the anchor than the positive, by a margin.
# - **verification**: deciding whether two pictures show the same thing. **Identification** says which one.
#
# ### Next
#
# This is the last chapter. Look back at the way you came: a neuron that weighs three numbers (02), a kernel that
# slides (03), a loss that says how wrong a network is (05), one backward pass for all slopes (06), the steps downhill
# (07), the same on a GPU (08), a network from nothing (09), a look inside (10), a head start (11), an app (12), and
# now a dish without a name. You have written a piece of every one of them. Where to go from here:
#
# - Play chapter 00's game again. Do you see the hard plates with different eyes? Then play against your own network,
#   in chapter 09.
# - Put your own photographs into folders, one for each dish, and run chapter 11's command on them: scratch, frozen,
#   fine-tuned.
# - Open one of the papers below. By now you know their words.
#
# ### Further reading
#
# - Schroff, Kalenichenko and Philbin, [FaceNet](https://arxiv.org/abs/1503.03832), 2015: triplets and how to choose
#   them.
# - Taigman, Yang, Ranzato and Wolf,
#   [DeepFace](https://www.cv-foundation.org/openaccess/content_cvpr_2014/html/Taigman_DeepFace_Closing_the_2014_CVPR_paper.html), 2014.
# - Huang and others, [Labeled Faces in the Wild](https://vis-www.cs.umass.edu/lfw/lfw.pdf), 2007: the protocol.
# - Buolamwini and Gebru, [Gender Shades](https://proceedings.mlr.press/v81/buolamwini18a.html), 2018.
# - NIST, [Face Recognition Vendor Test, Part 3: Demographic Effects](https://doi.org/10.6028/NIST.IR.8280), 2019.
# - [cs231n on transfer learning](https://cs231n.github.io/transfer-learning/): features of a network used for
#   something else.
