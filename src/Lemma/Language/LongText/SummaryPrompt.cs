using System.Globalization;
using Lemma.Text.Templates;

namespace Lemma.Language.LongText;

/// <summary>A prompt with the place of a piece of text, as the ids that a model reads: by its chat template where it has one.</summary>
internal sealed class SummaryPrompt
{
    private readonly LanguageModel model;
    private readonly DateTime? now;
    private readonly string before, behind;

    public SummaryPrompt(LanguageModel model, string prompt, SummarizerOptions options)
    {
        int place = prompt.IndexOf(SummarizerOptions.TextPlace, StringComparison.Ordinal);
        Require.That(place >= 0 && place == prompt.LastIndexOf(SummarizerOptions.TextPlace, StringComparison.Ordinal),
            $"summary: a prompt must have {SummarizerOptions.TextPlace} once, but it is '{prompt}'");
        string words = options.Words.ToString(CultureInfo.InvariantCulture);
        before = prompt[..place].Replace(SummarizerOptions.WordsPlace, words, StringComparison.Ordinal);
        behind = prompt[(place + SummarizerOptions.TextPlace.Length)..].Replace(SummarizerOptions.WordsPlace, words, StringComparison.Ordinal);
        (this.model, now) = (model, options.Now);
    }

    /// <summary>The prompt without a piece.</summary>
    public string Text => before + SummarizerOptions.TextPlace + behind;

    /// <summary>The ids of the prompt with a piece.</summary>
    public int[] Ids(string piece)
    {
        string text = before + piece.Trim() + behind;
        if (model.Template is not { } template)
            return model.Prompt(text);
        string rendered = template.Render([new ChatMessage("user", text)], new ChatOptions { AddGenerationPrompt = true, Now = now ?? DateTime.Now });
        return model.Tokenizer.Encode(rendered, addSpecialTokens: false);
    }
}
