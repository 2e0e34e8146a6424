"""Losses of the discriminator as classifier: K class logits, and a "generated" class whose logit is fixed at 0.

Salimans et al. 2016, section 5: with logits l in R^K and Z = logsumexp(l), P(real) = e^Z / (e^Z + 1). Fixing the (K+1)-th logit
loses nothing, a softmax being blind to a shift of all logits.
"""

from torch import Tensor
from torch.nn.functional import normalize, softplus


def labelled(logits: Tensor, label: Tensor) -> Tensor:
    """-log P(label | image, real) = Z - l_label; (N, K), (N,) -> (N,)."""
    return logits.logsumexp(1) - logits.gather(1, label[:, None]).squeeze(1)


def real(logits: Tensor) -> Tensor:
    """-log P(real) = softplus(-Z), for unlabelled images; (N, K) -> (N,)."""
    return softplus(-logits.logsumexp(1))


def fake(logits: Tensor) -> Tensor:
    """-log P(generated) = softplus(Z), for generated images; (N, K) -> (N,)."""
    return softplus(logits.logsumexp(1))


def entropy(logits: Tensor) -> Tensor:
    """H(P(class | image, real)), which Dai et al. 2017, section 5, add for unlabelled images; (N, K) -> (N,)."""
    log_p = logits.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """|mean over real - mean over generated|^2 of features (N, F), (M, F); 0-d (Salimans et al. 2016, section 3.1)."""
    return (real.mean(0) - fake.mean(0)).square().sum()


def pull_away(features: Tensor) -> Tensor:
    """Mean squared cosine between the features (N, F) of different images; 0-d (Zhao et al. 2017, equation 6).

    Dai et al. 2017, section 4, use it on generated images for the generator's entropy.
    """
    count = len(features)
    unit = normalize(features, dim=1)
    return ((unit @ unit.T).square().sum() - count) / (count * (count - 1))
