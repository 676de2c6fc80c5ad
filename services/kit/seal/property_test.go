package seal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/seal/sealtest"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

// TestNoCanarySurvives invents message types with declared fields of every
// shape, fills them, seals them and looks for the canary in the bytes.
func TestNoCanarySurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx, keys := context.Background(), &sealtest.Keys{}
		types := inventTypes(t)
		m := dynamicpb.NewMessage(types.Messages().Get(0))
		planted := fill(t, m, 0)
		before := proto.Clone(m)

		require.NoError(t, seal.SealRequest(ctx, keys, organization, subject, m))
		require.NotContains(t, bytesOf(t, m), "Canary")

		masked := proto.Clone(m)
		require.NoError(t, seal.Open(ctx, keys, organization, masked, seal.View{}))
		require.NotContains(t, bytesOf(t, masked), "Canary")

		require.NoError(t, seal.Open(ctx, keys, organization, m, seal.All()))
		require.Equal(t, planted, strings.Count(bytesOf(t, m), "Canary"))
		require.Empty(t, cmp.Diff(before, proto.Message(m), protocmp.Transform()))
	})
}

// inventTypes returns a file of a few messages whose string fields are singular,
// repeated, in a oneof or in a map, with or without a class to seal, and whose
// message fields refer to one another, also in circles.
func inventTypes(t *rapid.T) protoreflect.FileDescriptor {
	n := rapid.IntRange(1, 4).Draw(t, "messages")
	file := &descriptorpb.FileDescriptorProto{Name: new("invented.proto"), Package: new("invented"), Syntax: new("proto3")}
	for i := range n {
		file.MessageType = append(file.MessageType, inventMessage(t, i, n))
	}
	fd, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func inventMessage(t *rapid.T, index, n int) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: new(fmt.Sprintf("M%d", index))}
	fields := rapid.IntRange(1, 6).Draw(t, "fields")
	for i := range fields {
		f := &descriptorpb.FieldDescriptorProto{
			Name: new(fmt.Sprintf("f%d", i)), Number: new(int32(i + 1)),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
		}
		message := rapid.Bool().Draw(t, "message")
		if message {
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
			f.TypeName = new(fmt.Sprintf(".invented.M%d", rapid.IntRange(0, n-1).Draw(t, "type")))
		} else {
			class := rapid.SampledFrom([]typev1.DataClass{1, 2, 1, 2, 3, 0}).Draw(t, "class")
			f.Options = &descriptorpb.FieldOptions{}
			if class != 0 {
				proto.SetExtension(f.Options, typev1.E_Data, class)
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 1:
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		case 2:
			entry := fmt.Sprintf("F%dEntry", i)
			m.NestedType = append(m.NestedType, mapEntry(entry, f))
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
			f.TypeName = new(fmt.Sprintf(".invented.M%d.%s", index, entry))
		case 3:
			f.OneofIndex = new(int32(len(m.OneofDecl)))
			m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: new(fmt.Sprintf("choice%d", i))})
		}
		m.Field = append(m.Field, f)
	}
	return m
}

func mapEntry(name string, value *descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
	return &descriptorpb.DescriptorProto{
		Name:    new(name),
		Options: &descriptorpb.MessageOptions{MapEntry: new(true)},
		Field: []*descriptorpb.FieldDescriptorProto{
			{Name: new("key"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()},
			{Name: new("value"), Number: proto.Int32(2), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: value.Type, TypeName: value.TypeName},
		},
	}
}

// fill gives m values and returns how many canaries it planted: only in fields
// with a class to seal; other strings get a code.
func fill(t *rapid.T, m protoreflect.Message, depth int) (planted int) {
	text := func(fd protoreflect.FieldDescriptor) protoreflect.Value {
		class := proto.GetExtension(fd.Options(), typev1.E_Data).(typev1.DataClass)
		if class != typev1.DataClass_DATA_CLASS_PERSONAL && class != typev1.DataClass_DATA_CLASS_FREE_TEXT {
			return protoreflect.ValueOfString("code")
		}
		planted++
		return protoreflect.ValueOfString(rapid.StringN(0, 8, 32).Draw(t, "before") + "Canary")
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		element := fd
		if fd.IsMap() {
			element = fd.MapValue()
		}
		if (element.Message() != nil && depth > 3) || !rapid.Bool().Draw(t, "filled") {
			continue
		}
		if od := fd.ContainingOneof(); od != nil && m.WhichOneof(od) != nil {
			continue
		}
		value := func(fresh func() protoreflect.Value) protoreflect.Value {
			if element.Message() == nil {
				return text(fd)
			}
			v := fresh()
			planted += fill(t, v.Message(), depth+1)
			return v
		}
		switch {
		case fd.IsMap():
			values := m.Mutable(fd).Map()
			for k := range rapid.IntRange(1, 2).Draw(t, "pairs") {
				values.Set(protoreflect.ValueOfString(fmt.Sprintf("k%d", k)).MapKey(), value(values.NewValue))
			}
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range rapid.IntRange(1, 2).Draw(t, "items") {
				list.Append(value(list.NewElement))
			}
		default:
			m.Set(fd, value(func() protoreflect.Value { return m.NewField(fd) }))
		}
	}
	return planted
}

func TestAClassOnAFieldWithoutStringsIsAnError(t *testing.T) {
	t.Parallel()
	options := &descriptorpb.FieldOptions{}
	proto.SetExtension(options, typev1.E_Data, typev1.DataClass_DATA_CLASS_PERSONAL)
	fd, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("wrong.proto"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("Wrong"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: new("photo"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			Type: descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum(), Options: options,
		}}}},
	}, protoregistry.GlobalFiles)
	require.NoError(t, err)
	m := dynamicpb.NewMessage(fd.Messages().Get(0))
	m.Set(fd.Messages().Get(0).Fields().Get(0), protoreflect.ValueOfBytes([]byte("x")))
	require.ErrorContains(t, seal.Seal(context.Background(), &sealtest.Keys{}, organization, subject, m), "Wrong.photo")
}
