# Who may include whom: an include must point to a lower floor.
#   awk -v root=gen/ -f floors.awk floors.gen FILE…
# The first file lists the modules, one floor a line, bottom first; '#' begins a comment. A module is a
# source file without root and suffix. Headers of its own name are always open to a file. Foreign code
# (<…>) and, for gen, the ground floor of the runtime (base/) have their own rules in homes.sh.
function module(path) {
    sub("^" root, "", path)
    sub(/\.(c|h|re)$/, "", path)
    return path
}
FNR == NR {
    sub(/#.*/, "")
    if (NF > 0) floor_count++
    for (i = 1; i <= NF; i++) floor[$i] = floor_count
    next
}
FNR == 1 {
    here = module(FILENAME)
    if (!(here in floor)) {
        printf "%s:1: %s stands on no floor of the list\n", FILENAME, here
        bad = 1
    }
}
/^#include "/ {
    split($0, part, "\"")
    there = module(part[2])
    if (there == here || (root == "gen/" && there ~ /^base\//)) next
    if (!(there in floor)) {
        printf "%s:%d: %s is not a module of this house\n", FILENAME, FNR, there
        bad = 1
    } else if ((here in floor) && floor[there] >= floor[here]) {
        printf "%s:%d: %s (floor %d) reaches up to %s (floor %d)\n", FILENAME, FNR, here, floor[here], there, floor[there]
        bad = 1
    }
}
END { exit bad }
