using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>A plan as one object of JSON: bytes, operations, seconds, nats.</summary>
internal static class PlanJson
{
    public static void Write(Plan plan) => JsonLine.Write(json =>
    {
        string[] answers = PlanAnswers.Of(plan);
        json.WriteStartArray("answers");
        foreach (string answer in answers)
            json.WriteStringValue(answer);
        json.WriteEndArray();
        json.WriteNumber("memory", plan.Memory);
        if (plan is { Model: { } model, Parameters: { } parameters, Sheet: { } sheet, Cache: { } cache })
        {
            json.WriteString("model", model.Name);
            WriteParameters(json, parameters, sheet);
            json.WriteNumber("cache_elements_of_token", cache.ElementsOfToken);
        }
        json.WriteString("precision", plan.Precision.Name);
        if (plan.MemoryRate is { } rate)
        {
            json.WriteNumber("memory_bytes_now", rate.Now);
            json.WriteNumber("memory_bytes_measured", rate.Then);
            json.WriteNumber("job_seconds_now", rate.JobSeconds);
        }
        if (plan.Tokens is { } tokens)
            json.WriteNumber("tokens", tokens);
        if (plan.Loss is { } loss)
            json.WriteNumber("loss", loss);
        json.WriteStartArray("training");
        foreach (TrainingRow row in plan.Training)
            WriteTraining(json, plan, row);
        json.WriteEndArray();
        json.WriteStartArray("serving");
        foreach (ServingRow row in plan.Serving)
            WriteServing(json, plan, row);
        json.WriteEndArray();
        if (plan.Fit is { } fit)
            WriteFit(json, plan, fit);
        if (plan.Compute is { } compute)
            json.WriteNumber("compute", compute);
        json.WriteStartArray("laws");
        foreach (LawRow row in plan.Laws)
        {
            json.WriteStartObject();
            json.WriteString("law", row.Law);
            json.WriteNumber("parameters", row.Optimum.Parameters);
            json.WriteNumber("tokens", row.Optimum.Tokens);
            json.WriteNumber("loss", row.Optimum.Loss);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private static void WriteParameters(Utf8JsonWriter json, ParameterCount parameters, SheetCount sheet)
    {
        json.WriteNumber("parameters", parameters.Total);
        json.WriteNumber("parameters_of_token", parameters.Activated);
        json.WriteStartObject("parts");
        foreach (PartCount part in parameters.Parts)
            json.WriteNumber(PlanText.NameOf(part.Part), part.Total);
        json.WriteEndObject();
        json.WriteNumber("sheet_formula", sheet.Formula);
        json.WriteStartObject("sheet_differences");
        foreach (CountDifference difference in sheet.Differences)
            json.WriteNumber(difference.Reason, difference.Parameters);
        json.WriteEndObject();
    }

    private static void WriteTraining(Utf8JsonWriter json, Plan plan, TrainingRow row)
    {
        json.WriteStartObject();
        json.WriteNumber("batch", row.Step.Shape.Batch);
        json.WriteNumber("length", row.Step.Shape.Length);
        json.WriteNumber("accumulate", row.Step.Shape.Accumulate);
        json.WriteNumber("trained", row.Step.Trained);
        json.WriteNumber("weight_bytes", row.Memory.Weights);
        json.WriteNumber("master_bytes", row.Memory.Masters);
        json.WriteNumber("gradient_bytes", row.Memory.Gradients);
        json.WriteNumber("moment_bytes", row.Memory.Moments);
        json.WriteNumber("activation_bytes", row.Memory.Activations);
        json.WriteNumber("allocated_activation_bytes", row.Step.ActivationBytes);
        json.WriteNumber("bytes", row.Bytes);
        json.WriteBoolean("fits", row.Bytes <= plan.Memory);
        json.WriteNumber("operations", row.Step.Operations);
        json.WriteNumber("six_n", row.Step.SixTimesParameters);
        json.WriteStartObject("parts");
        foreach (PartOperations part in row.Step.Parts)
        {
            json.WriteStartObject(PlanText.NameOf(part.Part));
            json.WriteNumber("forward", part.Forward);
            json.WriteNumber("backward", part.Backward);
            json.WriteNumber("recomputation", part.Recomputation);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        if (row.Seconds is { } seconds)
        {
            WriteInterval(json, "seconds", seconds);
            json.WriteNumber("tokens_per_second", row.TokensPerSecond!.Value);
        }
        json.WriteEndObject();
    }

    private static void WriteServing(Utf8JsonWriter json, Plan plan, ServingRow row)
    {
        json.WriteStartObject();
        json.WriteNumber("context", row.Context);
        json.WriteNumber("users", row.Users);
        json.WriteString("cache_format", row.Cache.Name);
        json.WriteNumber("weight_bytes", row.WeightBytes);
        json.WriteNumber("cache_bytes", row.CacheBytes);
        json.WriteNumber("prompt", row.Pass.Tokens);
        json.WriteNumber("pass_bytes", row.Pass.Bytes);
        json.WriteNumber("bytes", row.Bytes);
        json.WriteBoolean("fits", row.Bytes <= plan.Memory);
        if (row.Seconds is { } seconds)
        {
            WriteInterval(json, "seconds", seconds);
            json.WriteNumber("tokens_per_second", row.TokensPerSecond!.Value);
        }
        json.WriteEndObject();
    }

    private static void WriteFit(Utf8JsonWriter json, Plan plan, FittedRuns fitted)
    {
        ScalingFit fit = fitted.Fit;
        json.WriteStartObject("fit");
        json.WriteNumber("runs", fitted.Runs);
        json.WriteNumber("points", fit.Runs.Count);
        json.WriteNumber("scatter", fit.Scatter);
        WriteInterval(json, "irreducible", fit.Irreducible);
        WriteInterval(json, "parameter_scale", fit.ParameterScale);
        WriteInterval(json, "token_scale", fit.TokenScale);
        WriteInterval(json, "parameter_exponent", fit.ParameterExponent);
        WriteInterval(json, "token_exponent", fit.TokenExponent);
        if (plan is { Size: { } size, Tokens: { } tokens })
            WriteInterval(json, "loss", fit.Predict(size, tokens));
        json.WriteEndObject();
    }

    private static void WriteInterval(Utf8JsonWriter json, string name, Interval interval)
    {
        json.WriteStartObject(name);
        json.WriteNumber("value", interval.Value);
        json.WriteNumber("least", interval.Least);
        json.WriteNumber("most", interval.Most);
        json.WriteEndObject();
    }
}
