using System.Text;
using Lemma.Data;
using Lemma.Text.Templates;

namespace Lemma.Tests.Data.Examples;

/// <summary>Examples of every known form, and what is said of those that are broken.</summary>
public sealed class ExampleFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("{'messages':[{'role':'system','content':'S'},{'role':'user','content':'Hi'},{'role':'assistant','content':'Ho'}]}",
        "chat: system=S user=Hi assistant=Ho")]
    [InlineData("{'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]},{'role':'assistant','content':'Ho'}],'id':7}",
        "chat: user=ab assistant=Ho")]
    [InlineData("{'system':'S','conversations':[{'from':'human','value':'Hi'},{'from':'gpt','value':'Ho'}]}", "chat: system=S user=Hi assistant=Ho")]
    [InlineData("{'instruction':'Add.','input':'1 2','output':'3'}", "chat: user=Add.\n\n1 2 assistant=3")]
    [InlineData("{'instruction':'Add.','input':'','output':'3','system':'S','history':[['q','a']]}",
        "chat: system=S user=q assistant=a user=Add. assistant=3")]
    [InlineData("{'instruction':'Add.','input':null,'output':'3'}", "chat: user=Add. assistant=3")]
    [InlineData("{'instruction':'Add.','input':'1','output':'?','chosen':'1','rejected':'2'}", "pair: user=Add.\n\n1 | assistant=1 | assistant=2")]
    [InlineData("{'prompt':'Hi','completion':'Ho'}", "chat: user=Hi assistant=Ho")]
    [InlineData("{'prompt':[{'role':'user','content':'Hi'}],'completion':[{'role':'assistant','content':'Ho'}]}", "chat: user=Hi assistant=Ho")]
    [InlineData("{'prompt':'Hi','completion':'Ho','label':false}", "feedback False: user=Hi | assistant=Ho")]
    [InlineData("{'prompt':'Hi','completion':'Ho','label':1}", "feedback True: user=Hi | assistant=Ho")]
    [InlineData("{'prompt':'Hi','chosen':'A','rejected':'B'}", "pair: user=Hi | assistant=A | assistant=B")]
    [InlineData("{'prompt':'Hi','chosen':[{'role':'user','content':'Hi'},{'role':'assistant','content':'A'}],"
        + "'rejected':[{'role':'user','content':'Hi'},{'role':'assistant','content':'B'}]}", "pair: user=Hi | assistant=A | assistant=B")]
    [InlineData("{'chosen':[{'role':'user','content':'Hi'},{'role':'assistant','content':'A'}],"
        + "'rejected':[{'role':'user','content':'Hi'},{'role':'assistant','content':'B'}]}", "pair: user=Hi | assistant=A | assistant=B")]
    [InlineData("{'chosen':'\\n\\nHuman: Hi\\n\\nAssistant: What?\\n\\nHuman: Go\\n\\nAssistant: A','rejected':'\\n\\nHuman: Hi\\n\\nAssistant: What?\\n\\nHuman: Go\\n\\nAssistant: B b'}",
        "pair: user=Hi assistant=What? user=Go | assistant=A | assistant=B b")]
    [InlineData("{'conversations':[{'from':'human','value':'Hi'}],'chosen':{'from':'gpt','value':'A'},'rejected':{'from':'gpt','value':'B'}}",
        "pair: user=Hi | assistant=A | assistant=B")]
    [InlineData("{'prompt':'1+1?','answer':2}", "task 2: user=1+1?")]
    [InlineData("{'question':'1+1?','answer':'One and one.\\n#### 2'}", "task 2: user=1+1?")]
    [InlineData("{'sentence1':'A','sentence2':'B','score':0.25}", "two 0.25: A | B")]
    [InlineData("{'anchor':'A','positive':'B'}", "two 1: A | B")]
    [InlineData("{'text':'abc'}", "text abc")]
    public void EveryFormIsKnown(string json, string expected)
    {
        folder.Write("a.jsonl", Json(json) + "\r\n\r\n" + Json(json));
        folder.Write("b.json", "\uFEFF[\n" + Json(json) + ",\n " + Json(json) + "]\n");
        folder.Write("c.json", "\uFEFF" + Json(json) + "\n");
        DataReport report = new();
        DataExample[] examples = [.. ExampleFiles.Stream([folder[""]], report)];
        Assert.Equal([expected, expected, expected, expected, expected], examples.Select(Shown));
        Assert.Equal(["a.jsonl: line 1", "a.jsonl: line 3", "b.json: element 1", "b.json: element 2", "c.json: line 1"],
            examples.Select(example => Path.GetFileName(example.Source)));
        Assert.Equal((5, 5), (report.Read, report.Kept));
    }

    [Theory]
    [InlineData("{'messages':[{'role':'user','content':'Hi'}]}", DropReason.NoAnswer)]
    [InlineData("{'conversations':[{'from':'human','value':'Hi'},{'from':'gpt','value':' \\n'}]}", DropReason.EmptyAnswer)]
    [InlineData("{'instruction':'Hi','output':''}", DropReason.EmptyAnswer)]
    [InlineData("{'prompt':'Hi','chosen':'A','rejected':'A'}", DropReason.SameAnswers)]
    [InlineData("{'prompt':'Hi','chosen':'A','rejected':''}", DropReason.EmptyAnswer)]
    [InlineData("{'chosen':[{'role':'user','content':'Hi'},{'role':'assistant','content':'A'}],'rejected':[{'role':'user','content':'Hi'},{'role':'assistant','content':'A'}]}",
        DropReason.SameAnswers)]
    [InlineData("{'chosen':'\\n\\nHuman: Hi\\n\\nAssistant: A','rejected':'\\n\\nHuman: Hi\\n\\nAssistant: A\\n\\nHuman: Go\\n\\nAssistant: B'}", DropReason.NoAnswer)]
    [InlineData("{'chosen':'\\n\\nHuman: Hi\\n\\nAssistant:','rejected':'\\n\\nHuman: Hi\\n\\nAssistant: B'}", DropReason.EmptyAnswer)]
    [InlineData("{'chosen':[],'rejected':[]}", DropReason.EmptyPrompt)]
    [InlineData("{'prompt':' ','completion':'A','label':true}", DropReason.EmptyPrompt)]
    [InlineData("{'prompt':'Hi','answer':''}", DropReason.EmptyAnswer)]
    [InlineData("{'anchor':'A','positive':''}", DropReason.EmptyText)]
    [InlineData("{'text':''}", DropReason.EmptyText)]
    public void WhatTeachesNothingIsCounted(string json, DropReason reason)
    {
        string path = folder.Write("a.jsonl", Json(json));
        DataReport report = new();
        Assert.Empty(ExampleFiles.Stream([path], report));
        Assert.Equal((1, 0, 1), (report.Read, report.Kept, report.Dropped));
        Assert.Equal((1, $"{path}: line 1"), report.Reasons[reason]);
        Assert.Contains($"there is no example in {path}; 1 read, 0 kept, 1 ",
            Assert.Throws<InvalidDataException>(() => ExampleFiles.Read<ChatExample>([path], new DataReport())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{'prompt':'Hi','completion':'Ho'}\n\n{'text':'a'}", "line 3: a file has one form, but here it is (text), and in line 1 (prompt, completion)")]
    [InlineData("{'prompt':'Hi','completion':'Ho'}\n{'prompt':'Hi'", "line 2: not JSON at byte 14")]
    [InlineData("{'prompt':'Hi','reply':'Ho'}", "line 1: no known form: the object has the fields \"prompt\", \"reply\", but a form has one of these: messages")]
    [InlineData("{'sentence1':'A','sentence2':'B','score':1.5}", "line 1: the field \"score\" must be a number from 0 to 1, but it is 1.5")]
    [InlineData("{'sentence1':'A','sentence2':'B','score':'1'}", "line 1: the field \"score\" must be a number from 0 to 1, but it is \"1\"")]
    [InlineData("7", "line 1: a JSON object is needed, but it is a JSON Number")]
    [InlineData("{'prompt':'Hi','completion':7}", "line 1: the field \"completion\" must be a text or a list of messages, but it is 7")]
    [InlineData("{'prompt':'Hi','completion':'Ho','label':'yes'}", "line 1: the field \"label\" must be true, false, 1 or 0, but it is \"yes\"")]
    [InlineData("{'messages':'Hi'}", "line 1: the field \"messages\" must be a list of messages, but it is \"Hi\"")]
    [InlineData("{'messages':['Hi']}", "line 1: the field \"messages\" must hold messages, but it has \"Hi\"")]
    [InlineData("{'messages':[{'content':'Hi'}]}", "line 1: a message must have a role, but there is {\"content\":\"Hi\"}")]
    [InlineData("{'messages':[{'role':'user','content':{}}]}", "line 1: the content of a message must be a text, but it is {}")]
    [InlineData("{'messages':[{'role':'user','content':[{'type':'image'}]}]}", "line 1: the parts of a message must be texts, but one is {\"type\":\"image\"}")]
    [InlineData("{'messages':[{'role':'user','content':'\\ud800'}]}", "line 1: a name or a value in it is not valid text")]
    [InlineData("{'messages':[{'role':'user','content':'a','\\ud800':1}]}", "line 1: a name or a value in it is not valid text")]
    [InlineData("{'messages':[],'tools':[{'name':'a','x':'\\ud800'}]}", "line 1: a name or a value in it is not valid text")]
    [InlineData("{'conversations':[{'from':'ghost','value':'Hi'}]}", "line 1: a message is from \"ghost\", but known are human, user, gpt")]
    [InlineData("{'conversations':[{'from':'function_call','value':'go'}]}", "line 1: the value of a function_call is not JSON at line 1, byte 0")]
    [InlineData("{'messages':[],'tools':'x'}", "line 1: the field \"tools\" is not JSON at line 1, byte 0")]
    [InlineData("{'messages':[],'tools':{}}", "line 1: the field \"tools\" must be a list, but it is {}")]
    [InlineData("{'messages':[{'role':'assistant','tool_calls':[{'name':'f'}]}]}", "line 1: a call must have a function with a name, but it is {\"name\":\"f\"}")]
    [InlineData("{'chosen':'A','rejected':'B'}", "line 1: without a field \"prompt\" the text of \"chosen\" must begin with \"Human:\", but it is \"A\"")]
    [InlineData("{'instruction':'a','output':'b','history':[['a']]}", "line 1: the field \"history\" must be a list of pairs of texts, but it has [\"a\"]")]
    public void WhatIsBrokenIsOneSentence(string lines, string reason)
    {
        string path = folder.Write("a.jsonl", Json(lines));
        Assert.StartsWith($"{path}: {reason}",
            Assert.Throws<InvalidDataException>(() => ExampleFiles.Stream([path], new DataReport()).Count()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[{'text':'a'},\n{'text' 'b'}]", "line 2: not JSON at byte 8")]
    [InlineData("[{'text':'a'}", "line 1: not JSON at byte 13")]
    [InlineData("[{'text':'a'}] 1", "line 1: not JSON at byte 15")]
    [InlineData("[{'text':'a'},1]", "element 2: a JSON object is needed, but it is a JSON Number")]
    [InlineData("[{'text':'a'},{'prompt':'a','completion':'b'}]", "element 2: a file has one form, but here it is (prompt, completion), and in element 1 (text)")]
    public void AnArrayNamesItsElement(string text, string reason)
    {
        string path = folder.Write("a.json", Json(text));
        Assert.StartsWith($"{path}: {reason}",
            Assert.Throws<InvalidDataException>(() => ExampleFiles.Stream([path], new DataReport()).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BytesThatAreNotUtf8HaveALine()
    {
        string path = folder.Write("a.jsonl", [.. "{\"text\":\"a\"}\n{\"text\":\""u8, 0xE9, .. "\"}"u8]);
        Assert.Equal($"{path}: line 2: not UTF-8: byte 0xE9 at byte 9; name the encoding with --encoding",
            Assert.Throws<InvalidDataException>(() => ExampleFiles.Stream([path], new DataReport()).Count()).Message);
        Assert.Equal(["text a", "text é"], ExampleFiles.Stream([path], new DataReport(), Encoding.Latin1).Select(Shown));
        Assert.Contains("not in the encoding that was named", Assert.Throws<InvalidDataException>(
            () => ExampleFiles.Stream([path], new DataReport(), Encoding.ASCII).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinesComeOneByOneWhateverTheirLength()
    {
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => new string((char)('a' + i % 26), i % 7 == 0 ? 200_000 : i * 31))];
        string path = folder.Write("a.jsonl", string.Concat(texts.Select(text => $"{{\"text\":\"{text}\"}}\n")));
        Assert.Equal(texts.Skip(1), ExampleFiles.Read<TextDocument>([path], new DataReport()).Select(document => document.Text).Skip(1));
        // A broken end is not seen by who reads only the beginning.
        folder.Write("b.jsonl", "{\"text\":\"a\"}\n" + new string(' ', 100_000) + "\n{");
        Assert.Equal("text a", Shown(ExampleFiles.Stream([folder["b.jsonl"]], new DataReport()).First()));
    }

    [Fact]
    public void CallsBecomeWhatTemplatesWant()
    {
        string path = folder.Write("a.jsonl", Json("{'conversations':[{'from':'human','value':'Hi'},{'from':'function_call','value':'{\\'name\\': \\'f\\', "
            + "\\'arguments\\': {\\'a\\': 1}}'},{'from':'observation','value':'7'},{'from':'gpt','value':'Seven.'}],'tools':'[{\\'name\\': \\'f\\'}]'}"));
        ChatExample chat = Assert.Single(ExampleFiles.Read<ChatExample>([path], new DataReport()));
        Assert.Equal("[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", chat.Tools?.GetRawText().Replace(" ", ""));
        Assert.Equal("[{\"id\":\"call00001\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]",
            chat.Messages[1].Fields?["tool_calls"].GetRawText().Replace(" ", ""));
        Assert.Equal("call00001", chat.Messages[2].Fields?["tool_call_id"].GetString());
        folder.Write("b.jsonl", Json("{'messages':[{'role':'assistant','content':null,'tool_calls':[{'id':'x','type':'function','function':{'name':'f','arguments':'{}'}}],'name':null}]}"));
        ChatMessage call = Assert.Single(ExampleFiles.Read<ChatExample>([folder["b.jsonl"]], new DataReport())).Messages[0];
        Assert.Equal(("", 1), (call.Content, call.Fields?.Count));
        Assert.Equal("[{\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]", call.Fields?["tool_calls"].GetRawText());
    }

    [Theory]
    [InlineData("instructions.json", typeof(ChatExample), 1100)]
    [InlineData("preferences.json", typeof(PreferenceExample), 1100)]
    [InlineData("dpo-zh.json", typeof(PreferenceExample), 300)]
    [InlineData("toolcalls-en.json", typeof(ChatExample), 300)]
    public void RealFilesAreRead(string name, Type kind, int count)
    {
        DataReport report = new();
        DataExample[] examples = [.. ExampleFiles.Stream([SharedData.FindOrSkip($"data/corpora/{name}")], report)];
        Assert.Equal(count, report.Read);
        Assert.Equal(report.Kept, examples.Length);
        Assert.True(report.Dropped < count / 50, report.Summary);
        Assert.All(examples, example => Assert.Equal(kind, example.GetType()));
    }

    [Theory]
    [InlineData("It is 42.", "42", true)]
    [InlineData("First 7, then 42", "42.0", true)]
    [InlineData("First 42, then 7", "42", false)]
    [InlineData("so 1,234 apples", "1234", true)]
    [InlineData("3 - 5 = -2", "-2", true)]
    [InlineData("range 5-2", "2", true)]
    [InlineData("no number", "2", false)]
    [InlineData("17 + 3\n#### 20", "20", true)]
    [InlineData("\\boxed{\\frac{1}{2}} is it", "\\boxed{\\frac{1}{2}}", true)]
    [InlineData(" rosa  is at the Mill", "Rosa is at the mill.", true)]
    [InlineData("Rosa is at the lake.", "Rosa is at the mill.", false)]
    public void AnswersAreChecked(string text, string answer, bool isRight) => Assert.Equal(isRight, AnswerCheck.IsRight(text, answer));

    // JSON with plain quotes, for lines that are easy to read.
    private static string Json(string text) => text.Replace("\\'", "\\\"").Replace('\'', '"');

    private static string Shown(DataExample example) => example switch
    {
        TextDocument document => $"text {document.Text}",
        ChatExample chat => $"chat: {Shown(chat.Messages)}",
        PreferenceExample pair => $"pair: {Shown(pair.Prompt)} | {Shown(pair.Chosen)} | {Shown(pair.Rejected)}",
        FeedbackExample feedback => $"feedback {feedback.IsDesired}: {Shown(feedback.Prompt)} | {Shown(feedback.Completion)}",
        SentencePair pair => FormattableString.Invariant($"two {pair.Score}: {pair.First} | {pair.Second}"),
        VerifiableExample task => $"task {task.Answer}: {Shown(task.Prompt)}",
        _ => throw new ArgumentException(example.ToString()),
    };

    private static string Shown(IEnumerable<ChatMessage> messages) => string.Join(' ', messages.Select(message => $"{message.Role}={message.Content}"));
}
