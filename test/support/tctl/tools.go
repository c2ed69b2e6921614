//go:build tools

// Package tools pins the tctl that the tests drive.
package tools

import _ "github.com/temporalio/tctl/cmd/tctl"
