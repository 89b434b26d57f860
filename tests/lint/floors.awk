# Who may include whom: an include must point to a lower floor.
#   awk -v root=gen/ -f floors.awk floors.gen FILE…
# The first file lists the modules, one floor a line, bottom first; '#' begins a comment. A module is a
# source file without root and suffix. A header may stand on a lower floor than its .c ("diag.h"): the door
# of a room whose back rooms need its types. Foreign code (<…>) and, for gen, the ground floor of the runtime
# (base/) have their own rules in homes.sh.
function module(path) {
    sub("^" root, "", path)
    sub(/\.(c|h|re)$/, "", path)
    return path
}
function header_floor(name) {
    return (name ".h") in floor ? floor[name ".h"] : floor[name]
}
FNR == NR {
    sub(/#.*/, "")
    if (NF > 0) floor_count++
    for (i = 1; i <= NF; i++) floor[$i] = floor_count
    next
}
FNR == 1 {
    here = module(FILENAME)
    mine = FILENAME ~ /\.h$/ ? header_floor(here) : floor[here]
    if (mine == "") {
        printf "%s:1: %s stands on no floor of the list\n", FILENAME, here
        bad = 1
    }
}
/^#include "/ {
    split($0, part, "\"")
    there = module(part[2])
    if (there == here || part[2] ~ /\.def$/ || (root == "gen/" && there ~ /^base\//)) next
    target = header_floor(there)
    if (target == "") {
        printf "%s:%d: %s is not a module of this house\n", FILENAME, FNR, there
        bad = 1
    } else if (mine != "" && target >= mine) {
        printf "%s:%d: %s (floor %d) reaches up to %s (floor %d)\n", FILENAME, FNR, here, mine, there, target
        bad = 1
    }
}
END { exit bad }
