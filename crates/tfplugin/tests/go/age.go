package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"io/fs"
	"strings"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"
	"filippo.io/age/armor"
)

// What the Go library of age makes of files and keys, and the test vectors of the format.
func ageLibrary(asked call) ([]map[string]any, error) {
	text := func(name string) string {
		given, _ := asked.Request[name].(string)
		return given
	}
	one := func(name, given string, err error) ([]map[string]any, error) {
		return []map[string]any{{name: given}}, err
	}
	switch asked.RPC {
	case "Age.Generate":
		made, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return []map[string]any{{"identity": made.String(), "recipient": made.Recipient().String()}}, nil
	case "Age.Encrypt":
		file, err := encrypted(asked.Request["recipients"], text("text"))
		return one("file", file, err)
	case "Age.Decrypt":
		plain, err := decrypted(text("file"), text("identity"))
		return one("text", plain, err)
	case "Age.Vectors":
		return vectors()
	default:
		return nil, fmt.Errorf("there is no such call: %s", asked.RPC)
	}
}

func encrypted(to any, text string) (string, error) {
	recipients := []age.Recipient{}
	all, _ := to.([]any)
	for _, each := range all {
		recipient, err := age.ParseX25519Recipient(each.(string))
		if err != nil {
			return "", err
		}
		recipients = append(recipients, recipient)
	}
	var file bytes.Buffer
	armored := armor.NewWriter(&file)
	writer, err := age.Encrypt(armored, recipients...)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(writer, text); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	err = armored.Close()
	return file.String(), err
}

func decrypted(file, identity string) (string, error) {
	key, err := age.ParseX25519Identity(identity)
	if err != nil {
		return "", err
	}
	reader, err := age.Decrypt(armor.NewReader(strings.NewReader(file)), key)
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(reader)
	return string(plain), err
}

// Those that are about X25519, as armored texts.
func vectors() ([]map[string]any, error) {
	names, err := fs.Glob(agetest.Vectors, "*")
	if err != nil {
		return nil, err
	}
	told := []map[string]any{}
	for _, name := range names {
		bytes, err := fs.ReadFile(agetest.Vectors, name)
		if err != nil {
			return nil, err
		}
		vector, err := vectorOf(name, bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if vector != nil {
			told = append(told, vector)
		}
	}
	return told, nil
}

func vectorOf(name string, text []byte) (map[string]any, error) {
	head, file, _ := bytes.Cut(text, []byte("\n\n"))
	fields := map[string]string{}
	identities := []string{}
	for _, line := range strings.Split(string(head), "\n") {
		field, value, _ := strings.Cut(line, ": ")
		fields[field] = value
		if field == "identity" {
			identities = append(identities, value)
		}
	}
	for _, identity := range identities {
		if !strings.HasPrefix(identity, "AGE-SECRET-KEY-1") {
			return nil, nil
		}
	}
	if len(identities) == 0 {
		return nil, nil
	}
	if fields["compressed"] == "zlib" {
		reader, err := zlib.NewReader(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		if file, err = io.ReadAll(reader); err != nil {
			return nil, err
		}
	}
	armored := string(file)
	if fields["armored"] != "yes" {
		var made bytes.Buffer
		writer := armor.NewWriter(&made)
		if _, err := writer.Write(file); err != nil {
			return nil, err
		}
		if err := writer.Close(); err != nil {
			return nil, err
		}
		armored = made.String()
	}
	return map[string]any{
		"name":     name,
		"expect":   fields["expect"],
		"payload":  fields["payload"],
		"identity": strings.Join(identities, "\n"),
		"file":     armored,
	}, nil
}
