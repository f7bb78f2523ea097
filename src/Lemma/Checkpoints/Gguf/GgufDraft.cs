using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>A model as an architecture of GGUF says it: values, and tensors that are still float32.</summary>
internal sealed record GgufDraft(GgufMap Map, IReadOnlyList<KeyValuePair<string, object>> Values, IReadOnlyList<SafetensorsTensor> Tensors,
    IReadOnlyList<string> LeftOut)
{
    /// <summary>The tensors' places in the parameters.</summary>
    public required IReadOnlyList<WeightName> Names { get; init; }

    /// <summary>The draft of a model by the architecture of the family that it is written as: its values, read back, must say the same config.</summary>
    public static GgufDraft Of(Model model)
    {
        // An encoder without its heads is no model that the family's own files say, but one of GGUF.
        Family family = model is Encoder && model.Origin is { } origin && Family.Find(origin) is { Gguf: not null } own ? own
            : Family.Of(model.AnyConfig, model.Origin);
        if (family.Gguf is null)
            throw new ArgumentException($"gguf: the family {family.Name} is none of the architectures "
                + string.Join(", ", Family.WithGguf.Select(one => one.Gguf!.Architecture).Distinct()));
        return Of(family, family.Gguf, model);
    }

    // What an encoder's rows go into is no part of a file, nor are rows of positions before the first one.
    private static ModelConfig WithoutHeads(ModelConfig config)
    {
        if (config is not EncoderConfig encoder)
            return config;
        EmbeddingConfig embedding = encoder.Stack.Embedding;
        return encoder with
        {
            Head = null,
            Pooler = false,
            Classes = 0,
            Stack = encoder.Stack with
            {
                Embedding = embedding with { LearnedPositions = embedding.LearnedPositions - embedding.PositionOffset, PositionOffset = 0 },
            },
        };
    }

    private static GgufDraft Of(Family family, GgufMap map, Model model)
    {
        ModelConfig config = model.AnyConfig;
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
            family.Write(json, config);
        using JsonDocument document = JsonDocument.Parse(stream.ToArray());
        (List<KeyValuePair<string, object>> values, Dictionary<string, float[]> small) = GgufFields.ToValues(map, document.RootElement);
        GgufNames names = new(family, map);
        string[] leftOut = [.. names.LeftOut(config)];
        List<SafetensorsTensor> tensors = [.. WeightMap.Of(names, model, leftOut).ToTensors(model.Parameters),
            .. small.Select(pair => new SafetensorsTensor(pair.Key, [pair.Value.Length], () => pair.Value))];
        Dictionary<string, SafetensorsTensor> byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        Dictionary<string, object> said = new(values, StringComparer.Ordinal) { ["general.architecture"] = map.Architecture };
        GgufFacts facts = new("gguf", said, name => byName.GetValueOrDefault(name)?.Sizes.Select(size => (long)size).ToArray(),
            name => byName[name].Source().ToArray());
        try
        {
            ModelConfig read = GgufModel.ConfigOf(facts, out _);
            return ConfigComparison.Difference(WithoutHeads(config), WithoutHeads(read)) is { } difference ? throw new ArgumentException(difference)
                : new GgufDraft(map, values, tensors, leftOut) { Names = [.. names.Weights(config)] };
        }
        catch (Exception error) when (error is ArgumentException or InvalidDataException)
        {
            throw new ArgumentException($"gguf: a file cannot say this config; as {map.Architecture}: {error.Message}", error);
        }
    }
}
