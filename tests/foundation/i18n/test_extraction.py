"""Extraction in a tree of two rooms: the place of each text, and the move of its translation."""

from pathlib import Path

import pytest

from foundation.i18n.catalogues import find_catalogues, merge_catalogues, path_in
from foundation.i18n.extraction import update_catalogues

MODULE = 'N_("{}")\n'


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.rooms = [root / "foundation", root / "sales"]
        for room in self.rooms:
            self.write(f"{room.name}/room.py", "")

    def write(self, path: str, content: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def update(self) -> None:
        update_catalogues([self.root], self.rooms, self.rooms[0])

    def translate(self, where: str, text: str, translation: str) -> None:
        file = self.root / where / path_in("de")
        entry = f'msgid "{text}"\nmsgstr "'
        assert f'{entry}"' in file.read_text()
        file.write_text(file.read_text().replace(f'{entry}"', f'{entry}{translation}"'))

    def places(self) -> dict[str, str]:
        """Each text with the folder whose German catalogue has it."""
        return {
            text: str(path.parent.parent.relative_to(self.root))
            for path in find_catalogues(self.rooms, "de")
            for text in self._entries(path)
        }

    def translations(self) -> dict[str, str]:
        return dict(merge_catalogues(find_catalogues(self.rooms, "de"), "de").texts)

    def _entries(self, path: Path) -> list[str]:
        lines = path.read_text().splitlines()
        return [line[7:-1] for line in lines if line.startswith("msgid") and line != 'msgid ""']


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_text_is_in_the_lowest_folder_that_contains_all_its_users(tree: Tree) -> None:
    tree.write("sales/room.py", MODULE.format("Of the room"))
    tree.write("sales/orders/lists.py", MODULE.format("Order") + MODULE.format("Note") + MODULE.format("Save"))
    tree.write("sales/orders/detail/pages.py", MODULE.format("Detail"))
    tree.write("sales/offers/lists.py", MODULE.format("Note"))
    tree.write("foundation/web/errors.py", MODULE.format("Save"))
    tree.write("values/money.py", MODULE.format("In no room"))
    tree.update()
    assert tree.places() == {
        "Of the room": "sales",
        "Order": "sales/orders",
        "Detail": "sales/orders",
        "Note": "sales",
        "Save": "foundation",
        "In no room": "foundation",
    }


def test_texts_of_a_template_belong_to_the_folder_in_which_it_lies(tree: Tree) -> None:
    tree.write("sales/orders/templates/orders.html", '{{ _("Own") }}{{ _("Note") }}')
    tree.write("sales/offers/templates/offers.html", '{{ _("Note") }}')
    tree.write("sales/templates/parts.html", '{{ _("Of several") }}')
    tree.update()
    assert tree.places() == {"Own": "sales/orders", "Note": "sales", "Of several": "sales"}


def test_a_text_takes_its_translation_along_when_it_moves(tree: Tree) -> None:
    tree.write("sales/orders/lists.py", MODULE.format("Note"))
    tree.update()
    tree.translate("sales/orders", "Note", "Notiz")
    for path in ("sales/offers/lists.py", "foundation/web/errors.py"):
        tree.write(path, MODULE.format("Note"))
        tree.update()
        assert tree.translations() == {"Note": "Notiz"}
    assert not (tree.root / "sales/orders" / path_in("de")).exists()
    (tree.root / "sales/orders/lists.py").unlink()
    (tree.root / "sales/offers/lists.py").unlink()
    tree.update()
    assert tree.places() == {"Note": "foundation/web"}
    assert tree.translations() == {"Note": "Notiz"}


def test_a_second_run_changes_nothing(tree: Tree) -> None:
    tree.write("sales/orders/lists.py", MODULE.format("Note") + 'NN_("{number} day", "{number} days")\n')
    tree.write("sales/offers/lists.py", MODULE.format("Note"))
    tree.update()
    tree.translate("sales", "Note", "Notiz")
    tree.update()
    before = {path: path.read_bytes() for path in tree.root.rglob("*.po")}
    tree.update()
    assert {path: path.read_bytes() for path in tree.root.rglob("*.po")} == before


def test_a_text_in_two_catalogues_keeps_one_translation(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    """As after the merge of two branches that both added it."""
    tree.write("sales/orders/lists.py", MODULE.format("Note"))
    tree.update()
    catalogue = tree.root / "sales/orders" / path_in("de")
    tree.write(f"sales/{path_in('de')}", catalogue.read_text())
    tree.translate("sales/orders", "Note", "Notiz")
    tree.translate("sales", "Note", "Anmerkung")
    tree.update()
    assert tree.places() == {"Note": "sales/orders"}
    assert tree.translations() == {"Note": "Anmerkung"}
    assert "'Notiz' is dropped for 'Anmerkung'" in capsys.readouterr().err


def test_texts_of_some_rooms_only_are_refused(tree: Tree) -> None:
    with pytest.raises(ValueError, match="sales"):
        update_catalogues([tree.root / "foundation"], tree.rooms, tree.rooms[0])
