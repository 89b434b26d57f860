#include "policy/type.h"

const cyaml_strval_t policy_truth[2] = {{"true", YES}, {"false", NO}};

struct node *policy_cell(const struct policy_reader *reader, const char *cell)
{
    uint64_t number;

    if (cell == NULL || !str_to_u64(str_of(cell), &number) || number >= reader->cell_count)
        return NULL;
    return reader->cells[number];
}
