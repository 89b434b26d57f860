#!/bin/sh
# One English: British, except for the vocabulary's own keys and the words of standards (normalize, color in
# code of others). Looks at comments and prose only by word, so identifiers of the vocabulary pass.
set -eu
words='behavior|honor(s|ed|ing)?|recogniz(e|es|ed|ing)|initializ(e|es|ed|ing)|optimiz(e|es|ed|ing)|serializ(e|es|ed|ing)|summariz(e|es|ed|ing)|canceled|canceling|neighbor(s|ing)?|favor(s|ed|ite)?|catalog'
if grep -rnwiE "($words)" gen runtime templates specs README.md .github --include='*.[ch]' --include='*.re' --include='*.md' --include='*.mustache' | grep -viE 'deserializ|https?://'; then
    echo '^ this house writes British English'
    exit 1
fi
