# Templates to C: one array of names and texts, in the order given. Names are relative to templates/.
# usage: awk -f gen/bake.awk templates/a.mustache templates/policy/b.mustache > templates.c

BEGIN {
    print "#include \"template.h\""
    print ""
    print "#define BAKED(name, text) {name, text, sizeof(text) - 1}"
    print ""
    print "const struct template_source template_baked[] = {"
}
FNR == 1 {
    if (name != "")
        print "          ),"
    name = FILENAME
    sub(/^templates\//, "", name)
    print "    BAKED(\"" name "\","
    count++
}
{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\?/, "\\?")
    gsub(/\t/, "\\t")
    print "          \"" $0 "\\n\""
}
END {
    if (name != "")
        print "          ),"
    print "    {0, 0, 0},"
    print "};"
    print "const size_t template_baked_count = " count + 0 ";"
}
