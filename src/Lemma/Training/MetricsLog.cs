using System.Buffers;
using System.Text.Json;

namespace Lemma.Training;

/// <summary>A file of JSON lines, each with a step; resuming forgets the lines after the checkpoint, so that each step stands there
/// once.</summary>
/// <remarks>The lines hold no time of day, so that equal runs write equal files.</remarks>
public sealed class MetricsLog : IDisposable
{
    private readonly FileStream stream;
    private readonly ArrayBufferWriter<byte> line = new(256);

    /// <summary>Opens a file to append to; lines after <paramref name="step"/>, and one that a kill cut short, are removed.</summary>
    public MetricsLog(string path, long step)
    {
        long kept = File.Exists(path) ? LengthUpTo(path, step) : 0;
        stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        stream.SetLength(kept);
        stream.Position = kept;
    }

    /// <summary>Writes one line; NaN and infinities become null.</summary>
    public void Write(long step, params ReadOnlySpan<Metric> values)
    {
        line.ResetWrittenCount();
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            foreach ((string name, double value) in values)
            {
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteNull(name);
            }
            json.WriteEndObject();
        }
        line.GetSpan(1)[0] = (byte)'\n';
        line.Advance(1);
        stream.Write(line.WrittenSpan);
    }

    /// <summary>Hands what was written to the operating system, so that it survives the process.</summary>
    public void Flush() => stream.Flush();

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream.Dispose();

    private static long LengthUpTo(string path, long step)
    {
        byte[] all = File.ReadAllBytes(path);
        int kept = 0;
        for (int start = 0; Array.IndexOf(all, (byte)'\n', start) is >= 0 and int end; start = end + 1)
        {
            if (StepOf(all.AsSpan(start, end - start), path, start) <= step)
                kept = end + 1;
            else
                break;
        }
        return kept;
    }

    private static long StepOf(ReadOnlySpan<byte> json, string path, int offset)
    {
        InvalidDataException strange = new($"{path}: the line at byte {offset} is none that a run wrote");
        try
        {
            Utf8JsonReader reader = new(json);
            bool found = reader.Read() && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("step")
                && reader.Read() && reader.TokenType == JsonTokenType.Number;
            return found && reader.TryGetInt64(out long step) ? step : throw strange;
        }
        catch (JsonException)
        {
            throw strange;
        }
    }
}
