using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Weights;

namespace Lemma.Cli.Inspection;

/// <summary>A model's contents as one object of JSON, with every parameter and tensor.</summary>
internal static class InspectionJson
{
    public static string Write(Inspected inspected)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            Write(json, inspected);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, Inspected inspected)
    {
        ModelContents contents = inspected.Contents;
        json.WriteStartObject();
        json.WriteString("path", contents.Path);
        json.WriteString("kind", inspected.Kind);
        if (contents.Config is { } config)
        {
            json.WriteString("family", contents.FamilyName);
            json.WriteNumber("parameters", inspected.Parameters);
            json.WriteNumber("vocabulary", config.VocabularySize);
            json.WriteNumber("maximum_length", config.MaximumLength);
            if (contents.HasState)
            {
                json.WriteNumber("cache_bytes_a_token", contents.StateBytes(192) / 192);
                json.WriteNumber("cache_bytes_at_maximum_length", contents.StateBytes(config.MaximumLength));
            }
            WriteTokenizer(json, inspected);
            json.WriteBoolean("template", inspected.HasTemplate);
            WriteParts(json, contents.Parameters);
        }
        json.WriteStartArray("types");
        foreach ((string type, int tensors, long elements, long bytes) in inspected.Types)
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteNumber("tensors", tensors);
            json.WriteNumber("elements", elements);
            json.WriteNumber("bytes", bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteTensors(json, contents);
        json.WriteEndObject();
    }

    private static void WriteTokenizer(Utf8JsonWriter json, Inspected inspected)
    {
        json.WritePropertyName("tokenizer");
        if (inspected.Tokenizer is not { } tokenizer)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        json.WriteString("kind", inspected.TokenizerKind);
        json.WriteNumber("ids", tokenizer.VocabularySize);
        json.WriteEndObject();
    }

    private static void WriteParts(Utf8JsonWriter json, IReadOnlyList<Parameter> parameters)
    {
        json.WriteStartArray("parts");
        foreach (Parameter parameter in parameters)
        {
            json.WriteStartObject();
            json.WriteString("name", parameter.Name);
            json.WriteStartArray("shape");
            for (int axis = 0; axis < parameter.Shape.Rank; axis++)
                json.WriteNumberValue(parameter.Shape[axis]);
            json.WriteEndArray();
            json.WriteNumber("parameters", parameter.Count);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteTensors(Utf8JsonWriter json, ModelContents contents)
    {
        Dictionary<TensorEntry, TensorPlace> places = contents.Places.ToDictionary(place => place.Tensor);
        json.WriteStartArray("tensors");
        foreach (TensorEntry tensor in contents.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("type", tensor.Type);
            json.WriteStartArray("shape");
            foreach (long size in tensor.Sizes)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteNumber("bytes", tensor.Bytes);
            if (places.TryGetValue(tensor, out TensorPlace? place))
            {
                json.WriteString("parameter", place.Parameter);
                json.WriteNumber("first_row", place.FirstRow);
                json.WriteNumber("rows", place.Rows);
                json.WriteBoolean("transposed", place.IsTransposed);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
