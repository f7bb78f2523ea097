using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Planning;

namespace Lemma.Cli.Doctor;

/// <summary>A diagnosis as one object of JSON: bytes, operations and tokens a second; null for what is not known.</summary>
internal static class DoctorJson
{
    public static void Write(Diagnosis diagnosis) => JsonLine.Write(json =>
    {
        WriteMachine(json, diagnosis.Machine);
        json.WriteStartArray("measured");
        WriteRates(json, diagnosis.Measured.One);
        if (diagnosis.Measured.All.Threads > 1)
            WriteRates(json, diagnosis.Measured.All);
        json.WriteEndArray();
        WriteNumber(json, "others_share", diagnosis.Measured.Others?.Others);
        WriteNumber(json, "stolen_share", diagnosis.Measured.Others?.Stolen);
        if (diagnosis.Model is { } model)
            WriteModel(json, diagnosis.Machine, model);
        json.WriteStartArray("findings");
        foreach (Finding finding in diagnosis.Findings)
        {
            json.WriteStartObject();
            json.WriteString("severity", DoctorText.NameOf(finding.Severity));
            json.WriteString("name", finding.Name);
            json.WriteString("reason", finding.Reason);
            json.WriteString("remedy", finding.Remedy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private static void WriteMachine(Utf8JsonWriter json, Machine machine)
    {
        json.WriteString("processor", machine.Processor);
        json.WriteString("system", machine.System);
        json.WriteString("runtime", machine.Runtime);
        json.WriteString("float_instructions", machine.FloatInstructions);
        json.WriteString("quantized_instructions", machine.QuantizedInstructions);
        json.WriteNumber("processors", machine.Processors);
        json.WriteNumber("threads", machine.Threads);
        WriteNumber(json, "cores", machine.Cores);
        WriteNumber(json, "processor_limit", machine.ProcessorLimit);
        json.WriteBoolean("ahead_of_time", machine.IsAheadOfTime);
        json.WriteBoolean("optimized", machine.IsOptimized);
        json.WriteBoolean("server_collector", machine.IsServerCollector);
        json.WriteStartObject("settings");
        foreach ((string name, string value) in machine.Settings)
            json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteString("large_pages", machine.LargePages);
        json.WriteNumber("memory", machine.Memory);
        WriteNumber(json, "free_memory", machine.FreeMemory);
        WriteNumber(json, "memory_limit", machine.MemoryLimit);
        json.WriteString("governor", machine.Governor);
        WriteNumber(json, "load", machine.LoadAverage);
        json.WriteStartArray("not_known");
        foreach (string one in machine.NotKnown)
            json.WriteStringValue(one);
        json.WriteEndArray();
    }

    private static void WriteRates(Utf8JsonWriter json, MachineRates rates)
    {
        json.WriteStartObject();
        json.WriteNumber("threads", rates.Threads);
        json.WriteNumber("peak_operations", rates.PeakOperations);
        json.WriteNumber("product_operations", rates.ProductOperations);
        json.WriteNumber("attention_operations", rates.AttentionOperations);
        json.WriteNumber("quantized_operations", rates.QuantizedOperations);
        json.WriteNumber("memory_bytes", rates.MemoryBytes);
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, Machine machine, ModelSpeed model)
    {
        json.WriteStartObject("model");
        json.WriteString("name", model.Name);
        json.WriteNumber("parameters", model.Parameters);
        json.WriteStartObject("weight_bytes");
        foreach ((string format, long bytes) in model.Formats)
            json.WriteNumber(format, bytes);
        json.WriteEndObject();
        json.WriteNumber("cache_tokens", model.Cache.Length);
        json.WriteNumber("cache_bytes", model.Cache.Bytes);
        json.WriteBoolean("fits", model.WeightBytes + model.Cache.Bytes <= machine.Room);
        json.WriteNumber("read_bytes", model.ReadBytes);
        json.WriteNumber("tokens_per_second", model.TokensPerSecond);
        json.WriteNumber("floor_tokens_per_second", model.Floor);
        json.WriteNumber("share_of_floor", model.ShareOfFloor);
        json.WriteNumber("prompt_tokens", model.FirstToken.Tokens);
        json.WriteNumber("first_token_seconds", model.FirstToken.Seconds);
        json.WriteStartObject("other_types");
        foreach (OtherType other in model.Others)
        {
            json.WriteStartObject(other.Type);
            json.WriteNumber("bytes", other.Bytes);
            json.WriteNumber("tokens_per_second", other.TokensPerSecond);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } known)
            json.WriteNumber(name, known);
        else
            json.WriteNull(name);
    }
}
