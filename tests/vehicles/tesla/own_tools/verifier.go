// A car's two computers, built on Tesla's own verifier: reads messages as JSON lines, writes answers as JSON lines.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/teslamotors/vehicle-command/internal/authentication"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/carserver"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/signatures"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
)

// delivery is a message for the car, with the keys that are on it (uncompressed points in hex) at this moment.
type delivery struct {
	VIN     string   `json:"vin"`
	Keys    []string `json:"keys"`
	Message []byte   `json:"message"`
	Reboot  bool     `json:"reboot"`
}

// outcome is the car's answer; Payload is what the verifier let pass, and Understood what Tesla's definitions call it.
type outcome struct {
	Answer     []byte          `json:"answer"`
	Payload    string          `json:"payload"`
	Understood json.RawMessage `json:"understood,omitempty"`
	Fault      int32           `json:"fault"`
	Detail     string          `json:"detail"`
}

// computer is one domain of the car: its key, and a verifier for each key it has met.
type computer struct {
	domain    universal.Domain
	key       authentication.ECDHPrivateKey
	verifiers map[string]*authentication.Verifier
}

type car map[universal.Domain]*computer

func newCar() car {
	made := car{}
	for _, domain := range []universal.Domain{
		universal.Domain_DOMAIN_VEHICLE_SECURITY, universal.Domain_DOMAIN_INFOTAINMENT,
	} {
		key, err := authentication.NewECDHPrivateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		made[domain] = &computer{domain, key, map[string]*authentication.Verifier{}}
	}
	return made
}

func (c *computer) verifier(vin string, client []byte) (*authentication.Verifier, error) {
	name := hex.EncodeToString(client)
	if known, ok := c.verifiers[name]; ok {
		return known, nil
	}
	made, err := authentication.NewVerifier(c.key, []byte(vin), c.domain, client)
	if err == nil {
		c.verifiers[name] = made
	}
	return made, err
}

func (c *computer) knows(keys []string, client []byte) bool {
	for _, key := range keys {
		if key == hex.EncodeToString(client) {
			return true
		}
	}
	return false
}

func (c car) take(given delivery) outcome {
	if given.Reboot {
		for _, computer := range c {
			computer.verifiers = map[string]*authentication.Verifier{}
		}
		return outcome{}
	}
	var request universal.RoutableMessage
	if err := proto.Unmarshal(given.Message, &request); err != nil {
		return outcome{Detail: err.Error(), Fault: int32(universal.MessageFault_E_MESSAGEFAULT_ERROR_DECODING)}
	}
	answer := &universal.RoutableMessage{
		ToDestination:   request.GetFromDestination(),
		FromDestination: request.GetToDestination(),
		RequestUuid:     request.GetUuid(),
	}
	result := c.answer(given, &request, answer)
	if result.Fault != 0 {
		answer.SignedMessageStatus = &universal.MessageStatus{
			OperationStatus:    universal.OperationStatus_E_OPERATIONSTATUS_ERROR,
			SignedMessageFault: universal.MessageFault_E(result.Fault),
		}
	}
	encoded, err := proto.Marshal(answer)
	if err != nil {
		panic(err)
	}
	result.Answer = encoded
	return result
}

func (c car) answer(given delivery, request, answer *universal.RoutableMessage) outcome {
	computer, ok := c[request.GetToDestination().GetDomain()]
	if !ok {
		return outcome{Fault: int32(universal.MessageFault_E_MESSAGEFAULT_ERROR_INVALID_DOMAINS)}
	}
	handshake := request.GetSessionInfoRequest()
	client := request.GetSignatureData().GetSignerIdentity().GetPublicKey()
	if handshake != nil {
		client = handshake.GetPublicKey()
	}
	if !computer.knows(given.Keys, client) {
		if handshake == nil {
			return outcome{Fault: int32(universal.MessageFault_E_MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)}
		}
		status := signatures.Session_Info_Status_SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST
		info, _ := proto.Marshal(&signatures.SessionInfo{Status: status})
		answer.Payload = &universal.RoutableMessage_SessionInfo{SessionInfo: info}
		return outcome{}
	}
	verifier, err := computer.verifier(given.VIN, client)
	if err == nil && handshake != nil {
		err = verifier.SetSessionInfo(request.GetUuid(), answer)
		return refused(err, answer)
	}
	if err != nil {
		return refused(err, answer)
	}
	payload, err := verifier.Verify(request)
	if err != nil {
		return refused(err, answer)
	}
	return computer.carryOut(verifier, payload, request, answer)
}

func (c *computer) carryOut(
	verifier *authentication.Verifier, payload []byte, request, answer *universal.RoutableMessage,
) outcome {
	var understood proto.Message = &vcsec.UnsignedMessage{}
	said := []byte{}
	if c.domain == universal.Domain_DOMAIN_INFOTAINMENT {
		understood = &carserver.Action{}
		done := &carserver.ActionStatus{Result: carserver.OperationStatus_E_OPERATIONSTATUS_OK}
		said, _ = proto.Marshal(&carserver.Response{ActionStatus: done})
	}
	if err := proto.Unmarshal(payload, understood); err != nil {
		return outcome{Detail: err.Error(), Fault: int32(universal.MessageFault_E_MESSAGEFAULT_ERROR_DECODING)}
	}
	answer.Payload = &universal.RoutableMessage_ProtobufMessageAsBytes{ProtobufMessageAsBytes: said}
	if request.GetFlags()&(1<<uint(universal.Flags_FLAG_ENCRYPT_RESPONSE)) != 0 {
		if err := verifier.Encrypt(answer, authentication.RequestID(request), 1); err != nil {
			return refused(err, answer)
		}
	}
	described, err := protojson.Marshal(understood)
	if err != nil {
		return refused(err, answer)
	}
	return outcome{Payload: hex.EncodeToString(payload), Understood: described}
}

// refused turns the verifier's error into the car's fault, with the session info that comes with it.
func refused(err error, answer *universal.RoutableMessage) outcome {
	var stale *authentication.InvalidSignatureError
	var plain *authentication.Error
	switch {
	case err == nil:
		return outcome{}
	case errors.As(err, &stale):
		answer.Payload = &universal.RoutableMessage_SessionInfo{SessionInfo: stale.EncodedInfo}
		tag := &signatures.HMAC_Signature_Data{Tag: stale.Tag}
		answer.SubSigData = &universal.RoutableMessage_SignatureData{SignatureData: &signatures.SignatureData{
			SigType: &signatures.SignatureData_SessionInfoTag{SessionInfoTag: tag},
		}}
		return outcome{Fault: int32(stale.Code), Detail: err.Error()}
	case errors.As(err, &plain):
		return outcome{Fault: int32(plain.Code), Detail: err.Error()}
	}
	return outcome{Fault: int32(universal.MessageFault_E_MESSAGEFAULT_ERROR_INTERNAL), Detail: err.Error()}
}

func main() {
	vehicle, lines, answers := newCar(), bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var given delivery
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			panic(err)
		}
		if err := answers.Encode(vehicle.take(given)); err != nil {
			panic(err)
		}
	}
}
