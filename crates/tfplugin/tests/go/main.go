// A host of Terraform providers on the libraries that Terraform itself is built on: go-plugin with AutoMTLS,
// go-cty, protobuf. It starts a provider and passes on the calls that it reads line by line from its input.
//
// A line in:  {"rpc": "ReadResource", "of": "resource:NAME", "request": {…}}
// A line out: {"responses": [{…}]} or {"error": {"code": "Unimplemented", "message": "…"}}
//
// Values are written as {"$value": …}, by the schema that "of" or "$of" names; what is unknown is
// {"$unknown": true}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

type call struct {
	RPC     string         `json:"rpc"`
	Of      string         `json:"of"`
	Request map[string]any `json:"request"`
}

// Passes the connection on as it is.
type passed struct{ plugin.Plugin }

func (passed) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return fmt.Errorf("this is a host")
}

func (passed) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: host PROVIDER FOLDER_OF_PROTO"))
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  4,
			MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			5: {"provider": passed{}},
			6: {"provider": passed{}},
		},
		Cmd:              exec.Command(os.Args[1]),
		AutoMTLS:         true,
		Managed:          true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		fail(err)
	}
	if err := protocol.Ping(); err != nil {
		fail(err)
	}
	raw, err := protocol.Dispense("provider")
	if err != nil {
		fail(err)
	}
	wire, err := newWire(raw.(*grpc.ClientConn), os.Args[2])
	if err != nil {
		fail(err)
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		answer(wire, line)
	}
}

func answer(wire *wire, line []byte) {
	var asked call
	if err := json.Unmarshal(line, &asked); err != nil {
		fail(err)
	}
	responses, err := wire.call(asked)
	answer := map[string]any{"responses": responses}
	if err != nil {
		told, _ := status.FromError(err)
		answer = map[string]any{"error": map[string]any{"code": told.Code().String(), "message": told.Message()}}
	}
	written, err := json.Marshal(answer)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(written))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "host:", err)
	plugin.CleanupClients()
	os.Exit(1)
}
