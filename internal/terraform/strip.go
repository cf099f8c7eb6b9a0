package terraform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The inverse of Render. The file may have changed since: people can add code around the block.
// So Strip works on lines and markers instead of parsing, and keeps every other byte but blank
// lines at the seam. A request that is destroyed has no resources left, so removing its block
// changes nothing in the cloud; removing anything else could.

// Errors of Strip that a caller tells apart.
var (
	ErrNoMarker      = errors.New("the file has no block of this request")
	ErrDamagedMarker = errors.New("the markers of the file are damaged")
)

// Strip removes the block of a request from a file. An empty result means that only blank space
// is left, and the caller deletes the file. Damaged markers are an error: Strip never guesses.
func Strip(content []byte, id string) ([]byte, error) {
	if !lifecycle.NameRequest.Valid(id) {
		return nil, fmt.Errorf("strip: %q is not a request id", id)
	}
	lines := strings.SplitAfter(string(content), "\n")
	begin, end, err := findMarkers(lines, id)
	if err != nil {
		return nil, fmt.Errorf("strip %s: %w", id, err)
	}
	before := strings.TrimRight(strings.Join(lines[:begin], ""), "\n")
	after := strings.TrimLeft(strings.Join(lines[end+1:], ""), "\n")
	switch {
	case strings.TrimSpace(before+after) == "":
		return []byte{}, nil
	case strings.TrimSpace(before) == "":
		return []byte(after), nil
	case strings.TrimSpace(after) == "":
		return []byte(before + "\n"), nil
	}
	return []byte(before + "\n\n" + after), nil
}

// findMarkers finds the lines of one begin and one end, in this order, without another marker between them.
func findMarkers(lines []string, id string) (begin, end int, err error) {
	begin, end = -1, -1
	for i, line := range lines {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == beginMarker(id):
			if begin >= 0 {
				return 0, 0, fmt.Errorf("%w: two begins", ErrDamagedMarker)
			}
			begin = i
		case line == endMarker(id):
			if end >= 0 || begin < 0 {
				return 0, 0, fmt.Errorf("%w: an end without its begin", ErrDamagedMarker)
			}
			end = i
		case isMarkerLike(line) && (begin >= 0 && end < 0 || slices.Contains(strings.Fields(line), id)):
			return 0, 0, fmt.Errorf("%w: line %d", ErrDamagedMarker, i+1)
		}
	}
	if begin < 0 {
		return 0, 0, ErrNoMarker
	}
	if end < 0 {
		return 0, 0, fmt.Errorf("%w: the end is missing", ErrDamagedMarker)
	}
	return begin, end, nil
}

// isMarkerLike reports whether a comment is a marker or was one before an edit, and does not
// only mention one.
func isMarkerLike(line string) bool {
	line = strings.TrimSpace(line)
	return (strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")) && strings.Contains(line, "tfpilot:")
}
