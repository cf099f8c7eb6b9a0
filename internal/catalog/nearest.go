package catalog

import (
	"strings"
	"unicode/utf8"
)

// maxNearest bounds the work that a mistyped word can cause.
const maxNearest = 64

// Nearest returns the known word that a mistyped one most likely means: a word that starts with
// it or contains it, else the one with the smallest edit distance, if that is small enough. The
// first of equal candidates wins. It returns "" if none is close.
func Nearest(word string, known []string) (string, bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	if word == "" || utf8.RuneCountInString(word) > maxNearest {
		return "", false
	}
	// One error in three letters is allowed, and at least one. With more, unrelated short words
	// would be suggested.
	best, bestCost := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, candidate := range known {
		if cost := nearness(word, strings.ToLower(candidate)); cost < bestCost {
			best, bestCost = candidate, cost
		}
	}
	return best, best != ""
}

// nearness returns the cost of reading a word as a candidate. The start of the candidate, or of a
// part after a hyphen, costs as much as one typing error: db means aws-db as well as dbs.
func nearness(word, candidate string) int {
	if word == candidate {
		return 0
	}
	if len(word) >= 2 && (strings.HasPrefix(candidate, word) || strings.Contains("-"+candidate, "-"+word)) {
		return 1
	}
	return distance([]rune(word), []rune(candidate))
}

// distance is the number of letters to insert, delete, replace or swap with their neighbor.
func distance(a, b []rune) int {
	if len(b) > maxNearest {
		return len(b)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = editStep(rows, a, b, i, j)
		}
	}
	return rows[len(a)][len(b)]
}

// editStep fills one cell of the table: the cost of turning the first i letters of a into the
// first j of b. The last case is a swap, the most frequent error of fast typing.
func editStep(rows [][]int, a, b []rune, i, j int) int {
	change := 1
	if a[i-1] == b[j-1] {
		change = 0
	}
	cost := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		cost = min(cost, rows[i-2][j-2]+1)
	}
	return cost
}
