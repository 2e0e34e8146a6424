"""An exported network to the Hugging Face hub."""

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import LocalTokenNotFoundError
from huggingface_hub.utils import validate_repo_id

from sparring.core.errors import ConfigError


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Upload the files of `folder` into the model repository `<owner>/<name>`; returns its address.

    The repository is made if there is none.

    Raises:
        ConfigError: nobody is logged in, the name cannot be one, or the hub refuses.
    """
    api = HfApi(library_name="sparring")
    try:
        validate_repo_id(repository)
        api.create_repo(repository, private=private, exist_ok=True)
        done = api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Export from sparring")
    except LocalTokenNotFoundError:
        raise _refused(
            folder, repository, "no token of the hub was found; hf auth login stores one, or set HF_TOKEN"
        ) from None
    except Exception as error:  # of the hub's client and of its transport, which has errors of its own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise _refused(folder, repository, reason) from error
    return str(done.repo_url if hasattr(done, "repo_url") else done)


def _refused(folder: Path, repository: str, reason: str) -> ConfigError:
    return ConfigError(
        f"push={repository} did not work: {reason}. The files were written: hf upload {repository} {folder} uploads them."
    )
