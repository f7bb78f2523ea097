using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Reads and writes <see cref="SamplingDefaults"/>: fields of <c>generation_config.json</c>, and values of a GGUF file.</summary>
internal static class SamplingFile
{
    private const string Prefix = "general.sampling.";

    /// <summary>What a folder's <c>generation_config.json</c> says; of its other fields none changes how an id is drawn here.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or a number is out of range.</exception>
    public static SamplingDefaults OfFolder(string file)
    {
        if (!File.Exists(file))
            return SamplingDefaults.None;
        JsonSettings settings = JsonSettings.Read(file);
        return new SamplingDefaults
        {
            Temperature = settings.Boolean("do_sample", true) ? Number("temperature") : 0,
            TopK = settings.Has("top_k") ? settings.Integer("top_k", least: -1, most: int.MaxValue) : null,
            TopP = Number("top_p"),
            MinP = Number("min_p"),
            Typical = Number("typical_p"),
            RepetitionPenalty = Number("repetition_penalty"),
        }.Checked(file);

        double? Number(string name) => settings.Has(name) ? settings.Number(name) : null;
    }

    /// <summary>What a GGUF file says.</summary>
    /// <exception cref="InvalidDataException">A value is no number, or out of range.</exception>
    public static SamplingDefaults OfGguf(TensorFile file)
    {
        return new SamplingDefaults
        {
            Temperature = Number("temp"),
            TopK = Number("top_k") is not { } k ? null : k == Math.Floor(k) ? (int)k
                : throw Fault.In(file.Path, $"GGUF: the value {Prefix}top_k must be a whole number, but it is {k.ToString(CultureInfo.InvariantCulture)}"),
            TopP = Number("top_p"),
            MinP = Number("min_p"),
            RepetitionPenalty = Number("penalty_repeat"),
        }.Checked(file.Path);

        double? Number(string name)
        {
            if (file.Metadata.GetValueOrDefault(Prefix + name) is not { } value)
                return null;
            double number = value is string or bool or not IConvertible ? double.NaN : Convert.ToDouble(value, CultureInfo.InvariantCulture);
            return double.IsFinite(number) && Math.Abs(number) <= int.MaxValue ? number
                : throw Fault.In(file.Path, $"GGUF: the value {Prefix}{name} must be a number, but it is {value}");
        }
    }

    /// <summary>Writes the fields into the object of a <c>generation_config.json</c>.</summary>
    public static void Write(Utf8JsonWriter json, SamplingDefaults sampling)
    {
        if (sampling.Temperature is 0)
            json.WriteBoolean("do_sample", false);
        else if (sampling != SamplingDefaults.None)
            json.WriteBoolean("do_sample", true);
        Write("temperature", sampling.Temperature is 0 ? null : sampling.Temperature);
        if (sampling.TopK is { } k)
            json.WriteNumber("top_k", k);
        Write("top_p", sampling.TopP);
        Write("min_p", sampling.MinP);
        Write("typical_p", sampling.Typical);
        Write("repetition_penalty", sampling.RepetitionPenalty);

        void Write(string name, double? value)
        {
            if (value is { } number)
                json.WriteNumber(name, number);
        }
    }

    /// <summary>The values of a GGUF file; typical sampling has none there.</summary>
    public static IEnumerable<KeyValuePair<string, object>> ToGguf(SamplingDefaults sampling)
    {
        (string Name, object? Value)[] values = [("temp", (float?)sampling.Temperature), ("top_k", sampling.TopK), ("top_p", (float?)sampling.TopP),
            ("min_p", (float?)sampling.MinP), ("penalty_repeat", (float?)sampling.RepetitionPenalty)];
        return values.Where(pair => pair.Value is not null).Select(pair => KeyValuePair.Create(Prefix + pair.Name, pair.Value!));
    }
}
