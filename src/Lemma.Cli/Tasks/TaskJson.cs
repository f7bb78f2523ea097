using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Evaluation.Tasks;

namespace Lemma.Cli.Tasks;

/// <summary>Scores as one object of JSON.</summary>
internal static class TaskJson
{
    public static void Write(string path, TaskResult result) => JsonLine.Write(json =>
    {
        json.WriteString("model", path);
        json.WriteString("task", result.Task.Name);
        json.WriteString("prompts", result.PromptForm);
        json.WriteNumber("examples", result.Task.Examples.Count);
        if (result.Chance is { } chance)
            json.WriteNumber("chance", chance);
        json.WriteStartObject("scores");
        foreach (TaskScore score in result.Scores)
        {
            json.WriteStartObject(score.Name);
            Write(json, "value", score.Value);
            Write(json, "standard_error", score.StandardError);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartArray("items");
        for (int i = 0; i < result.Task.Items.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("source", result.Task.Items[i].Source);
            if (result.Answers.Count > 0)
                json.WriteString("answer", result.Answers[i]);
            foreach (TaskScore score in result.Scores)
                Write(json, score.Name, score.Of(i));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static void Write(string[] paths, string name, int items, IReadOnlyList<PairedDifference> differences, TaskScore? wins = null) => JsonLine.Write(json =>
    {
        json.WriteString("a", paths[0]);
        json.WriteString("b", paths[1]);
        json.WriteString("task", name);
        json.WriteNumber("items", items);
        json.WriteStartObject("scores");
        foreach (PairedDifference one in differences)
        {
            json.WriteStartObject(one.Name);
            Write(json, "a", one.A);
            Write(json, "b", one.B);
            Write(json, "difference", one.Difference);
            Write(json, "lower", one.Lower);
            Write(json, "upper", one.Upper);
            Write(json, "share_for_a", one.ShareForA);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        if (wins is not null)
        {
            Write(json, "win_rate", wins.Value);
            Write(json, "win_rate_standard_error", wins.StandardError);
        }
    });

    // JSON has no NaN and no infinity.
    private static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}
