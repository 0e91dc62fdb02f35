"""Bars of what a bench measured, one PNG for each unit: needs matplotlib, which the bench's own venv has."""
import statistics
from collections import defaultdict


def draw(path, taken):
    """One picture per unit beside the CSV at `path`; says nothing where matplotlib is absent."""
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
    except ImportError:
        return []
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    units = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for _, kind, figure in taken:
        units[figure.unit][figure.name][kind].append(figure.value)
    drawn = []
    for unit, figures in units.items():
        names = list(figures)
        kinds = sorted({kind for values in figures.values() for kind in values})
        picture, axes = pyplot.subplots(figsize=(9, 1 + 0.45 * len(names)))
        height = 0.8 / len(kinds)
        for at, kind in enumerate(kinds):
            rows = [row + at * height for row in range(len(names))]
            axes.barh(rows, [statistics.median(figures[name].get(kind) or [0]) for name in names], height, label=kind)
        axes.set_yticks([row + 0.4 - height / 2 for row in range(len(names))], names, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.legend()
        picture.tight_layout()
        file = path.with_name(f"{path.stem}-{''.join(letter if letter.isalnum() else '-' for letter in unit)}.png")
        picture.savefig(file, dpi=110)
        pyplot.close(picture)
        drawn.append(file)
    return drawn
