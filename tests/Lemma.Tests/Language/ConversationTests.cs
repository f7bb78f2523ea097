using Lemma.Decoding;
using Lemma.Language;
using Lemma.Text.Templates;

namespace Lemma.Tests.Language;

/// <summary>Conversations read what is new, have the bits of fresh ones, and keep what was said whatever happens.</summary>
public sealed class ConversationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TwentyTurnsReadEachTokenOnceWithTheBitsOfAFreshConversation()
    {
        using LanguageModel model = ChatModel.Load(folder, 2048);
        using Conversation conversation = model.NewConversation("ab b");
        for (int turn = 0; turn < 20; turn++)
        {
            using Conversation fresh = model.NewConversation();
            foreach (ChatMessage message in conversation.Messages.Skip(1))
                fresh.Add(message);
            string said = string.Concat(Enumerable.Repeat("ab", 1 + turn % 3));
            string answer = string.Concat(conversation.Say(said, ChatModel.Options(5 + turn)));
            Assert.Equal(5 + turn, conversation.AnswerTokens);
            Assert.Equal(answer, conversation.Messages[^1].Content);
            // The last token that was made is not read before the next turn.
            Assert.Equal(conversation.Length - 1, conversation.TokensRead);

            using Conversation again = model.NewConversation("ab b");
            foreach (ChatMessage message in conversation.Messages.Skip(1).SkipLast(1))
                again.Add(message);
            Assert.Equal(answer, string.Concat(again.Answer(ChatModel.Options(5 + turn) with { Seed = 1 + (ulong)turn })));
            Assert.Equal(ChatModel.Bits(again.Generator), ChatModel.Bits(conversation.Generator));
            Assert.Equal(again.Generator.Ids(), conversation.Generator.Ids());
        }
        Assert.Equal(41, conversation.Messages.Count);
    }

    [Fact]
    public void AnAnswerWhoseTextHasOtherIdsIsReadFromWhereTheyDiffer()
    {
        // Any bytes at all: most answers are no UTF-8, and their text comes back as other ids.
        using LanguageModel model = ChatModel.Load(folder, 2048);
        using Conversation conversation = model.NewConversation(), fresh = model.NewConversation();
        GenerationOptions options = GenerationOptions.Sample() with { MaximumTokens = 20, LogProbabilities = 2, StopIds = [] };
        string first = string.Concat(conversation.Say("ab", options));
        int length = conversation.Length;
        foreach (ChatMessage message in conversation.Messages)
            fresh.Add(message);
        string second = string.Concat(conversation.Say("b", options));
        Assert.Equal(second, string.Concat(fresh.Say("b", options with { Seed = 2 })));
        Assert.Equal(ChatModel.Bits(fresh.Generator), ChatModel.Bits(conversation.Generator));
        Assert.Contains('\uFFFD', first);
        Assert.True(conversation.TokensRead > conversation.Length - 1, "nothing was read again");
        Assert.True(conversation.TokensRead < length + conversation.Length, "all was read again");
    }

    [Fact]
    public void OldTurnsAreForgottenWhereTheCallerChoseIt()
    {
        using LanguageModel model = ChatModel.Load(folder, 160);
        using Conversation refuses = model.NewConversation("be ab"), forgets = model.NewConversation("be ab", LongConversation.ForgetOldest);
        ArgumentException? refused = null;
        for (int turn = 0; turn < 8; turn++)
        {
            Assert.NotEmpty(string.Concat(forgets.Say("ab", ChatModel.Options(12))));
            try
            {
                Assert.NotNull(refuses.Say("ab", ChatModel.Options(12)).Last());
            }
            catch (ArgumentException e)
            {
                refused ??= e;
                Assert.Equal("assistant", refuses.Messages[^1].Role);
            }
        }
        Assert.Matches("^chat: the conversation of [0-9]+ messages has [0-9]+ tokens, but the longest sequence is 160$", refused?.Message);
        Assert.Equal(17, forgets.Messages.Count);
        Assert.InRange(forgets.Forgotten, 2, 14);
        Assert.Equal(0, forgets.Forgotten % 2);

        // What is left is what a conversation of the rest would be.
        using Conversation rest = model.NewConversation("be ab");
        foreach (ChatMessage message in forgets.Messages.Skip(1 + forgets.Forgotten).SkipLast(1))
            rest.Add(message);
        Assert.NotNull(rest.Answer(ChatModel.Options(12) with { Seed = 8 }).Last());
        Assert.Equal(rest.Generator.Ids(), forgets.Generator.Ids());
        Assert.Equal(0, rest.Forgotten);

        using Conversation tooLong = model.NewConversation(whenLong: LongConversation.ForgetOldest);
        Assert.Contains("the longest sequence is 160", Assert.Throws<ArgumentException>(() => tooLong.Say(new string('b', 400))).Message, StringComparison.Ordinal);
        Assert.Empty(tooLong.Messages);
    }

    [Fact]
    public void WhatTheTemplateRefusesWasNotSaid()
    {
        using LanguageModel model = ChatModel.Load(folder, 200);
        using Conversation conversation = model.NewConversation();
        Assert.NotEmpty(string.Concat(conversation.Say("ab", ChatModel.Options(3))));
        Assert.Contains("there must be something", Assert.Throws<TemplateException>(() => conversation.Say("nothing")).Message, StringComparison.Ordinal);
        Assert.Equal(["user", "assistant"], conversation.Messages.Select(message => message.Role));
        Assert.NotEmpty(string.Concat(conversation.Say("b", ChatModel.Options(3))));
    }

    [Fact]
    public void AnAnswerThatWasLeftIsAMessageUpToThere()
    {
        using LanguageModel model = ChatModel.Load(folder, 200);
        using Conversation conversation = model.NewConversation();
        using CancellationTokenSource source = new();
        List<string> pieces = [];
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (string piece in conversation.Say("ab", ChatModel.Options(50), source.Token))
            {
                pieces.Add(piece);
                if (pieces.Count == 4)
                    source.Cancel();
            }
        });
        Assert.Equal(string.Concat(pieces), conversation.Messages[^1].Content);
        Assert.Equal(4, pieces.Count);
        Assert.NotEmpty(conversation.Say("b", ChatModel.Options(50)).First());
        Assert.Equal(4, conversation.Messages.Count);
        IEnumerable<string> late = conversation.Say("b", ChatModel.Options(2));
        Assert.NotEmpty(string.Concat(late));
        Assert.StartsWith("chat: an answer to 5 messages is read once", Assert.Throws<ArgumentException>(late.Last).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherAnswerTakesThePlaceOfTheLast()
    {
        using LanguageModel model = ChatModel.Load(folder, 200);
        using Conversation conversation = model.NewConversation();
        string first = string.Concat(conversation.Say("ab", ChatModel.Options(20)));
        Assert.Equal(first, conversation.RemoveLast().Content);
        string second = string.Concat(conversation.Answer(ChatModel.Options(20)));
        Assert.NotEqual(first, second);
        Assert.Equal(2, conversation.Messages.Count);
        conversation.RemoveLast();
        conversation.RemoveLast();
        Assert.StartsWith("chat: there is no message", Assert.Throws<ArgumentException>(() => conversation.RemoveLast()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AModelWithoutATemplateWritesATextOn()
    {
        using LanguageModel model = ChatModel.Load(folder, 64, template: null);
        Assert.Equal("chat: this model has no chat template; Complete continues a text instead",
            Assert.Throws<InvalidOperationException>(() => model.NewConversation()).Message);
        using Draft draft = model.NewDraft();
        draft.Write("ab");
        string more = string.Concat(draft.Continue(ChatModel.Options(10)));
        Assert.Equal("ab" + more, draft.Text);
        Assert.Equal(10, draft.AddedTokens);
        Assert.Equal(more, string.Concat(model.Complete("ab", ChatModel.Options(10))));
        long read = draft.TokensRead;
        draft.Write("ab");
        string further = string.Concat(draft.Continue(ChatModel.Options(10)));
        // The last token of before, the new one, and all but the last of those that were made.
        Assert.Equal(read + 2 + 9, draft.TokensRead);
        Assert.Equal(further, string.Concat(model.Complete("ab" + more + "ab", ChatModel.Options(10) with { Seed = 2 })));
        for (int turn = 0; turn < 10; turn++)
            Assert.NotEmpty(string.Concat(draft.Continue(ChatModel.Options(10))));
        // The model sees the end that leaves room for what it adds.
        Assert.Equal(64, draft.Length);
        draft.Truncate(2);
        Assert.Equal("ab", draft.Text);
        Assert.Throws<ArgumentException>(() => draft.Truncate(3));
    }

    [Fact]
    public void ACompletionStopsAtItsTextsAndCanBeCancelled()
    {
        using LanguageModel model = ChatModel.Load(folder, 64);
        string whole = string.Concat(model.Complete("ab", ChatModel.Options(30)));
        string stop = whole[5..9];
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)],
            string.Concat(model.Complete("ab", ChatModel.Options(30) with { StopTexts = [stop] })));
        Assert.Throws<OperationCanceledException>(() => model.Complete("ab", ChatModel.Options(30), new CancellationToken(true)).Last());
        Assert.StartsWith("complete: a prompt has at most 64 ids, but it has ",
            Assert.Throws<ArgumentException>(() => model.Complete(new string('b', 80))).Message, StringComparison.Ordinal);
    }
}
