// Stands between a core and a provider, and passes every call on as it is. Of each plan it writes down a
// line: a digest of all that was asked, with the configuration of the provider, and of each attribute that
// was planned; of one that is not known yet, that.
//
// PROVIDER names the program that is started, RECORD the file that is written. The provider's end is go-plugin's
// own, in plain text; the core's is only a socket, and all that the core calls reaches the provider.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

var handshake = plugin.HandshakeConfig{
	ProtocolVersion:  4,
	MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
	MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
}

// Longer than any message here.
const longest = 256 << 20

func main() {
	// The provider dies with the thread that started it.
	runtime.LockOSThread()
	program := exec.Command(os.Getenv("PROVIDER"))
	program.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "PLUGIN_CLIENT_CERT=")
	})
	diesWithThis(program)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]plugin.PluginSet{6: {"provider": passed{}}},
		Cmd:              program,
		SkipHostEnv:      true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		// What it logs is the core's to read.
		Stderr: os.Stderr,
	})
	protocol, err := client.Client()
	if err != nil {
		fail(err)
	}
	provider, err := protocol.Dispense("provider")
	if err != nil {
		fail(err)
	}
	recorder := recorder{provider: provider.(*grpc.ClientConn)}
	listener, err := listen()
	if err != nil {
		fail(err)
	}
	// A core that gave no certificate, as one under a test does, wants plain text.
	secured, named := insecure.NewCredentials(), ""
	if os.Getenv("PLUGIN_CLIENT_CERT") != "" {
		certificate, err := certificate()
		if err != nil {
			fail(err)
		}
		secured = credentials.NewServerTLSFromCert(certificate)
		named = base64.RawStdEncoding.EncodeToString(certificate.Certificate[0])
	}
	ended := make(chan struct{})
	server := grpc.NewServer(
		grpc.Creds(secured),
		grpc.ForceServerCodec(untouched{}),
		grpc.UnknownServiceHandler(recorder.pass),
		grpc.StatsHandler(lifeline{sync.OnceFunc(func() { close(ended) })}),
		grpc.MaxRecvMsgSize(longest),
	)
	go server.Serve(listener)
	// Ctrl-C is the core's to answer, which tells its providers.
	signal.Ignore(os.Interrupt)
	fmt.Printf("%d|6|unix|%s|grpc|%s\n", plugin.CoreProtocolVersion, listener.Addr(), named)
	<-ended
	// A provider sees at once that its core is gone, and so must this one's, which may still have something to end.
	recorder.provider.Close()
	listener.Close()
	for !client.Exited() {
		time.Sleep(time.Millisecond)
	}
}

// A socket for the core.
func listen() (net.Listener, error) {
	file, err := os.CreateTemp("", "recorder")
	if err != nil {
		return nil, err
	}
	file.Close()
	os.Remove(file.Name())
	return net.Listen("unix", file.Name())
}

// By which the core knows this end.
//
// Its key is of a kind that is made and used in no time: go-plugin's own take longer than all else that is done
// here. Who the core is, is not asked: the tests of both hosts in this folder do that.
func certificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		DNSNames:              []string{"localhost"},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return &tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}, err
}

// Offers nothing of its own.
type passed struct{ plugin.Plugin }

func (passed) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (passed) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// A message that nobody reads here.
type message struct{ bytes []byte }

type untouched struct{}

func (untouched) Name() string { return "proto" }

func (untouched) Marshal(of any) ([]byte, error) {
	if passed, ok := of.(*message); ok {
		return passed.bytes, nil
	}
	return proto.Marshal(of.(proto.Message))
}

func (untouched) Unmarshal(bytes []byte, to any) error {
	if passed, ok := to.(*message); ok {
		passed.bytes = append([]byte{}, bytes...)
		return nil
	}
	return proto.Unmarshal(bytes, to.(proto.Message))
}

// Tells that the core is gone.
type lifeline struct{ gone func() }

func (lifeline) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (lifeline) HandleRPC(context.Context, stats.RPCStats)                         {}
func (lifeline) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (l lifeline) HandleConn(_ context.Context, at stats.ConnStats) {
	if _, ended := at.(*stats.ConnEnd); ended {
		l.gone()
	}
}

type recorder struct {
	provider *grpc.ClientConn
	// What the provider was configured with, once it is.
	configured atomic.Pointer[[]byte]
}

func (r *recorder) pass(_ any, core grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(core)
	ctx, cancel := context.WithCancel(core.Context())
	defer cancel()
	asked := &message{}
	if err := core.RecvMsg(asked); err != nil {
		return err
	}
	if strings.HasSuffix(method, "/ConfigureProvider") {
		r.configured.Store(&asked.bytes)
	}
	streams := grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	provider, err := r.provider.NewStream(ctx, &streams, method,
		grpc.ForceCodec(untouched{}), grpc.MaxCallRecvMsgSize(longest), grpc.MaxCallSendMsgSize(longest))
	if err != nil {
		return err
	}
	if err := provider.SendMsg(asked); err != nil {
		return err
	}
	if err := provider.CloseSend(); err != nil {
		return err
	}
	for {
		answer := &message{}
		if err := provider.RecvMsg(answer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if strings.HasSuffix(method, "/PlanResourceChange") {
			if err := r.write(asked.bytes, answer.bytes); err != nil {
				return err
			}
		}
		if err := core.SendMsg(answer); err != nil {
			return err
		}
	}
}

type numbers map[protowire.Number]bool

var (
	// What must be replaced, and the identity: what the second answer must say, too, beside the planned state.
	// What is planned for the provider's own memory may tell the time.
	promises = numbers{2: true, 7: true}
	// All but what the core can, which is more when it plans the second time.
	askedOf      = numbers{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 8: true}
	configuredOf = numbers{1: true, 2: true}
	priorOf      = numbers{2: true}
)

func (r *recorder) write(asked, answered []byte) error {
	configured := []byte{}
	if with := r.configured.Load(); with != nil {
		configured = *with
	}
	_, configured, err := fields(configured, configuredOf)
	if err != nil {
		return err
	}
	_, tagged, err := fields(asked, priorOf)
	if err != nil {
		return err
	}
	// Behind its tag: what was before, of which an absent one has nothing.
	_, _, tag := protowire.ConsumeTag(tagged)
	prior, _ := protowire.ConsumeBytes(tagged[max(tag, 0):])
	before, err := attributes(prior)
	if err != nil {
		return err
	}
	resource, asked, err := fields(asked, askedOf)
	if err != nil {
		return err
	}
	planned, promised, err := fields(answered, promises)
	if err != nil {
		return err
	}
	attributes, err := attributes(planned)
	if err != nil {
		return err
	}
	changes := !maps.Equal(before, attributes)
	attributes["what is replaced, and the identity"] = digest(promised)
	line, err := json.Marshal(map[string]any{
		"resource": string(resource),
		"asked":    digest(configured, asked),
		"changes":  changes,
		"planned":  attributes,
	})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(os.Getenv("RECORD"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}

// The content of the first field, and these fields as they stand.
func fields(of []byte, which numbers) (first, all []byte, err error) {
	for len(of) > 0 {
		number, kind, length := protowire.ConsumeTag(of)
		if length < 0 {
			return nil, nil, protowire.ParseError(length)
		}
		content := protowire.ConsumeFieldValue(number, kind, of[length:])
		if content < 0 {
			return nil, nil, protowire.ParseError(content)
		}
		if number == 1 && kind == protowire.BytesType {
			first, _ = protowire.ConsumeBytes(of[length:])
		}
		if which[number] {
			all = append(all, of[:length+content]...)
		}
		of = of[length+content:]
	}
	return first, all, nil
}

// What is planned of each attribute: a digest, or that it is unknown. Nothing is planned of what goes.
func attributes(planned []byte) (map[string]string, error) {
	of := map[string]string{}
	// The one field of a value: its encoding.
	encoded, _, err := fields(planned, nil)
	if err != nil || len(encoded) == 0 {
		return of, err
	}
	from := msgpack.NewDecoder(bytes.NewReader(encoded))
	count, err := from.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	for range count {
		name, err := from.DecodeString()
		if err != nil {
			return nil, err
		}
		value, err := from.DecodeRaw()
		if err != nil {
			return nil, err
		}
		if of[name] = digest(value); msgpcode.IsExt(value[0]) {
			of[name] = "unknown"
		}
	}
	return of, nil
}

func digest(parts ...[]byte) string {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "recorder:", err)
	os.Exit(1)
}
