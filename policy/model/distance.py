"""How far two texts are from each other."""


def edit_distance(one: str, other: str) -> int:
    """Return how many characters to insert, delete or replace to make one text of the other.

    One step per character of `other`: whole columns of the usual table are added up at once, as
    bits of two numbers that say where it rises and where it falls.

    Spec: Myers 1999, "A fast bit-vector algorithm", in the form of Hyyrö 2003.
    """
    if not one:
        return len(other)
    whole, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    places: dict[str, int] = {}
    for index, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << index
    rises, falls, distance = whole, 0, len(one)
    for character in other:
        equal = places.get(character, 0)
        zero = (((equal & rises) + rises) ^ rises) | equal | falls
        up, down = falls | (whole & ~(zero | rises)), rises & zero
        distance += bool(up & last) - bool(down & last)
        up, down = (up << 1) | 1, down << 1
        rises, falls = (down | ~(zero | up)) & whole, up & zero & whole
    return distance
