package main

import (
	"os/exec"
	"syscall"
)

// A core that kills what it takes for the provider kills the provider.
func diesWithThis(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
