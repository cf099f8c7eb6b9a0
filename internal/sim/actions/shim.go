package actions

import (
	"fmt"
	"os"
	"path/filepath"
)

// shims adds programs that a GitHub-hosted image has and this machine may lack. git needs perl, and
// perl can download.
func shims(dir, path string) error {
	if onPath("curl", path) != "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte(curlShim), 0o700); err != nil {
		return fmt.Errorf("write curl: %w", err)
	}
	return nil
}

// onPath returns the path of a program, or "".
func onPath(name, path string) string {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// curlShim supports the flags of the one download in the workflows, over plain HTTP.
const curlShim = `#!/usr/bin/env perl
use strict; use warnings; use HTTP::Tiny;
my ($out, $url, $max) = ('', '', 300);
while (@ARGV) {
  my $arg = shift @ARGV;
  if    ($arg eq '--output')   { $out = shift @ARGV }
  elsif ($arg eq '--max-time') { $max = shift @ARGV }
  elsif ($arg eq '--retry')    { shift @ARGV }
  elsif ($arg =~ /^--/)        { next }
  else                         { $url = $arg }
}
my $res = HTTP::Tiny->new(timeout => $max)->mirror($url, $out);
if (!$res->{success}) { print STDERR "curl: (22) $res->{status} $res->{reason} for $url\n"; exit 22 }
`
