"""`python -m playnet.config`: write the files that are generated from the models into the checkout."""

from pathlib import Path

from .reference import reference_yaml, settings_markdown

CHECKOUT = Path(__file__).parents[2]
GENERATED = {"configs/reference.yaml": reference_yaml, "docs/settings.md": settings_markdown}


def main() -> None:
    """Write them all."""
    for name, make in GENERATED.items():
        (CHECKOUT / name).write_text(make(), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
