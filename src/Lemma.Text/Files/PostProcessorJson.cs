using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.PostProcessing;

namespace Lemma.Text.Files;

/// <summary>Post-processors in a tokenizer.json.</summary>
internal static class PostProcessorJson
{
    public static PostProcessor? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static PostProcessor ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelPostProcessor(place["add_prefix_space"].FlagOr(true), place["trim_offsets"].FlagOr(true)),
        "BertProcessing" => new BertPostProcessor(ReadToken(place["sep"]), ReadToken(place["cls"])),
        "RobertaProcessing" => new RobertaPostProcessor(ReadToken(place["sep"]), ReadToken(place["cls"]),
            place["trim_offsets"].FlagOr(true), place["add_prefix_space"].FlagOr(true)),
        "TemplateProcessing" => ReadTemplate(place),
        "Sequence" => ReadSequence(place),
        string type => throw place.Unknown("post-processor", type),
    };

    private static SequencePostProcessor ReadSequence(JsonPlace place)
    {
        try
        {
            return new SequencePostProcessor([.. place["processors"].Items().Select(ReadOne)]);
        }
        catch (ArgumentException error)
        {
            throw place.Error(error.Message);
        }
    }

    private static (string Piece, int Id) ReadToken(JsonPlace place)
    {
        JsonPlace[] parts = [.. place.Items()];
        return parts.Length == 2 ? (parts[0].Text(), parts[1].Natural())
            : throw place.Error($"must have a piece and an id, but has {parts.Length} parts");
    }

    private static void WriteToken(Utf8JsonWriter json, string name, (string Piece, int Id) token)
    {
        json.WriteStartArray(name);
        json.WriteStringValue(token.Piece);
        json.WriteNumberValue(token.Id);
        json.WriteEndArray();
    }

    private static TemplatePostProcessor ReadTemplate(JsonPlace place)
    {
        TemplatePart[] single = [.. place["single"].Items().Select(ReadPart)];
        TemplatePart[] pair = [.. place["pair"].Items().Select(ReadPart)];
        TemplateToken[] tokens = [.. place["special_tokens"].Members().Select(static member => new TemplateToken(
            member.Name, [.. member["ids"].Items().Select(static id => id.Natural())],
            [.. member["tokens"].Items().Select(static piece => piece.Text())]))];
        try
        {
            return new TemplatePostProcessor(single, pair, tokens);
        }
        catch (ArgumentException error)
        {
            throw place.Error(error.Message);
        }
    }

    private static TemplatePart ReadPart(JsonPlace place)
    {
        JsonPlace sequence = place["Sequence"], token = place["SpecialToken"];
        if (sequence.IsNull == token.IsNull)
            throw place.Error("must have either Sequence or SpecialToken");
        JsonPlace part = sequence.IsNull ? token : sequence;
        return new TemplatePart(part["id"].Text(), !sequence.IsNull, part["type_id"].Natural());
    }

    public static void Write(Utf8JsonWriter json, PostProcessor? postProcessor)
    {
        if (postProcessor is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        switch (postProcessor)
        {
            case ByteLevelPostProcessor byteLevel:
                json.WriteString("type", "ByteLevel");
                json.WriteBoolean("add_prefix_space", byteLevel.AddPrefixSpace);
                json.WriteBoolean("trim_offsets", byteLevel.TrimsOffsets);
                json.WriteBoolean("use_regex", true);
                break;
            case BertPostProcessor bert:
                json.WriteString("type", "BertProcessing");
                WriteToken(json, "sep", bert.Separator);
                WriteToken(json, "cls", bert.Classifier);
                break;
            case RobertaPostProcessor roberta:
                json.WriteString("type", "RobertaProcessing");
                WriteToken(json, "sep", roberta.Separator);
                WriteToken(json, "cls", roberta.Classifier);
                json.WriteBoolean("trim_offsets", roberta.TrimsOffsets);
                json.WriteBoolean("add_prefix_space", roberta.AddPrefixSpace);
                break;
            case TemplatePostProcessor template:
                json.WriteString("type", "TemplateProcessing");
                WriteTemplate(json, "single", template.Single);
                WriteTemplate(json, "pair", template.Pair);
                WriteTokens(json, template.Tokens);
                break;
            case SequencePostProcessor sequence:
                json.WriteString("type", "Sequence");
                json.WriteStartArray("processors");
                foreach (PostProcessor part in sequence.PostProcessors)
                    Write(json, part);
                json.WriteEndArray();
                break;
            default:
                throw new NotSupportedException($"save: a tokenizer.json has no form for {postProcessor.GetType().Name}");
        }
        json.WriteEndObject();
    }

    private static void WriteTemplate(Utf8JsonWriter json, string name, IReadOnlyList<TemplatePart> parts)
    {
        json.WriteStartArray(name);
        foreach (TemplatePart part in parts)
        {
            json.WriteStartObject();
            json.WriteStartObject(part.IsSequence ? "Sequence" : "SpecialToken");
            json.WriteString("id", part.Name);
            json.WriteNumber("type_id", part.TypeId);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteTokens(Utf8JsonWriter json, IReadOnlyList<TemplateToken> tokens)
    {
        json.WriteStartObject("special_tokens");
        foreach (TemplateToken token in tokens)
        {
            json.WriteStartObject(token.Name);
            json.WriteString("id", token.Name);
            json.WriteStartArray("ids");
            foreach (int id in token.Ids)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            foreach (string piece in token.Pieces)
                json.WriteStringValue(piece);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
