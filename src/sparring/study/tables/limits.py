"""Sentences for the limits of several studies' pages."""

from sparring.study.engine.results import Results


def shared_images_limit(results: Results, *, estimated: bool) -> str:
    """Whether replicates share their test images, by the records of the trainings.

    Args:
        results: of the study.
        estimated: whether the intervals hold what common test images add to a difference.
    """
    tests = {each.result.get("data", {}).get("fingerprints", {}).get("test") for each in results.find()}
    if len(tests - {None}) > 1:
        return "Each replicate has a split and so test images of its own; the test images of two replicates overlap."
    if estimated:
        return "All replicates share the test images; what these add to a difference is estimated and part of its interval."
    return "All replicates share the test images: the intervals describe variation over labels and seeds, not over test sets."
