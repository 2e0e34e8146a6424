"""BigGAN discriminator (Brock et al. 2019, appendix B)."""

from sparring.model.discriminator.sagan import SAGANDiscriminator


class BigGANDiscriminator(SAGANDiscriminator):
    """SAGAN's discriminator at BigGAN's width: for images of 32 pixels, the only difference between the two papers' networks."""
