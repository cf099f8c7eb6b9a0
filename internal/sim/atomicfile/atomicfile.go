// Package atomicfile owns how a simulator writes what survives a restart.
package atomicfile

import "os"

// TempSuffix ends the name of a file that is being written. After a crash such a file can be deleted.
const TempSuffix = ".new"

// Replace writes a file so that a reader, or a start after a crash, finds the old or the new one. Only one
// writer at a time may replace a file.
func Replace(path string, data []byte) error {
	if err := os.WriteFile(path+TempSuffix, data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+TempSuffix, path)
}
