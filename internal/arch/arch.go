// Package arch owns the rules of how the code of this repository is laid out:
// which package may import which, who uses which library, who may start
// processes, and how large files and functions get. The rules are tables in its
// tests, which parse the source; the package itself holds nothing else.
package arch
